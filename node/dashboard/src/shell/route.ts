// Where the visitor is: `#/workers/…?lane=…`. A hash needs no support by the server and works behind any proxy.

import { batch, signal } from "@preact/signals";
import { lane } from "../api/lane";

export const PAGES = [
  { page: "overview", title: "Overview" },
  { page: "workers", title: "Workers" },
  { page: "chain", title: "Share chain" },
  { page: "blocks", title: "Blocks & payouts" },
  { page: "peers", title: "Peers" },
  { page: "lanes", title: "Lanes" },
  { page: "health", title: "Health" },
  { page: "connect", title: "Connect" },
] as const;

export type Page = (typeof PAGES)[number]["page"];

export interface Route {
  page: Page;
  /** What of the page: the id of a worker, a share or a block. */
  subject: string | null;
  /** What all of it is about; null for the node as a whole. */
  lane: string | null;
}

export function parse(hash: string): Route {
  const [path = "", query] = hash.replace(/^#?\/?/, "").split("?", 2);
  const [page, ...rest] = path.split("/");
  const known = PAGES.find((entry) => entry.page === page);
  const of = new URLSearchParams(query).get("lane") || null;
  if (!known) return { page: "overview", subject: null, lane: of };
  let subject: string | null = null;
  try {
    subject = decodeURIComponent(rest.join("/")) || null;
  } catch {
    // A damaged link opens the page itself.
  }
  return { page: known.page, subject, lane: of };
}

/** A link to a page, of the lane that is shown if no other is named. */
export function href(page: Page, subject?: string | null, of: string | null = lane.value): string {
  const path = subject ? `#/${page}/${encodeURIComponent(subject)}` : `#/${page}`;
  return of === null ? path : `${path}?lane=${encodeURIComponent(of)}`;
}

export const route = signal<Route>({ page: "overview", subject: null, lane: null });

/** Follows the address bar. Called once. */
export function startRoute(): void {
  const follow = () => {
    batch(() => {
      route.value = parse(location.hash);
      lane.value = route.value.lane;
    });
  };
  addEventListener("hashchange", follow);
  follow();
}
