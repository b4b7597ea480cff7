// Where the visitor is: `#/workers/…`. A hash needs no support by the server and works behind any proxy.

import { signal } from "@preact/signals";

export const PAGES = [
  { page: "overview", title: "Overview" },
  { page: "workers", title: "Workers" },
  { page: "chain", title: "Share chain" },
  { page: "blocks", title: "Blocks & payouts" },
  { page: "peers", title: "Peers" },
  { page: "health", title: "Health" },
  { page: "connect", title: "Connect" },
] as const;

export type Page = (typeof PAGES)[number]["page"];

export interface Route {
  page: Page;
  /** What of the page: the id of a worker, a share or a block. */
  subject: string | null;
}

export function parse(hash: string): Route {
  const [page, ...rest] = hash.replace(/^#?\/?/, "").split("/");
  const known = PAGES.find((entry) => entry.page === page);
  if (!known) return { page: "overview", subject: null };
  let subject: string | null = null;
  try {
    subject = decodeURIComponent(rest.join("/")) || null;
  } catch {
    // A damaged link opens the page itself.
  }
  return { page: known.page, subject };
}

export function href(page: Page, subject?: string | null): string {
  return subject ? `#/${page}/${encodeURIComponent(subject)}` : `#/${page}`;
}

export const route = signal<Route>({ page: "overview", subject: null });

/** Follows the address bar. Called once. */
export function startRoute(): void {
  const follow = () => {
    route.value = parse(location.hash);
  };
  addEventListener("hashchange", follow);
  follow();
}
