// Asks the node. Answers are typed but not trusted to be complete: pages show what is there.

import { authorization, tokenWanted } from "./token";

/** Longest wait for an answer, milliseconds; a node under load needs a hundredth of it. */
const ANSWER_MS_MAX = 10_000;
const BASE = "/api/v1";

/** The node did not answer at all, as opposed to answering with a refusal. */
export class Unreachable extends Error {}

/** The node refused, with its own words (RFC 9457). */
export class Refused extends Error {
  constructor(
    readonly status: number,
    title: string,
  ) {
    super(title);
  }

  /** Whether the question itself is at fault, and not the moment. */
  get isForGood(): boolean {
    return this.status >= 400 && this.status < 500 && this.status !== 408 && this.status !== 429;
  }
}

async function refusal(response: Response): Promise<Refused> {
  const body: unknown = await response.json().catch(() => null);
  const text = (key: string): string | null => {
    const value = body !== null && typeof body === "object" ? (body as Record<string, unknown>)[key] : null;
    return typeof value === "string" ? value : null;
  };
  return new Refused(response.status, text("detail") ?? text("title") ?? `the node answered ${response.status}`);
}

/** Of the node, or of one of its lanes. */
const isStatus = (path: string): boolean => /(^|\/)status$/.test(path);

/** What a failed `fetch` means. Only the status is always quick: another answer that takes long says nothing of the node. */
function silence(error: unknown, path: string): Unreachable | Refused {
  const slow = error instanceof DOMException && error.name === "TimeoutError";
  return slow && !isStatus(path) ? new Refused(408, "the answer takes too long") : new Unreachable("no answer");
}

/**
 * The answer to GET `path` below /api/v1 within `patience` milliseconds. 206 and 503 are answers too: health says with them that
 * it is not ready.
 * @throws {Unreachable} without an answer, {@link Refused} with one that is none.
 */
export async function get<T>(path: string, patience: number = ANSWER_MS_MAX): Promise<T> {
  let response: Response;
  try {
    const headers = { accept: "application/json", ...authorization() };
    response = await fetch(`${BASE}/${path}`, { headers, signal: AbortSignal.timeout(patience), cache: "no-store" });
  } catch (error) {
    throw silence(error, path);
  }
  // What a proxy says for a node that is gone.
  if (response.status === 502 || response.status === 504) throw new Unreachable("no answer");
  // A public node keeps some things for its operator; a private one even this.
  if (response.status === 401 && isStatus(path)) tokenWanted.value = true;
  if (!response.ok && !(response.status === 503 && path.endsWith("health"))) throw await refusal(response);
  try {
    return (await response.json()) as T;
  } catch (error) {
    throw error instanceof SyntaxError ? new Refused(response.status, "the answer is no JSON") : silence(error, path);
  }
}

/** A path with its query; what is undefined is left out. */
export function withQuery(path: string, query: Record<string, string | number | undefined>): string {
  const pairs = Object.entries(query).filter((pair): pair is [string, string | number] => pair[1] !== undefined);
  if (pairs.length === 0) return path;
  return `${path}?${new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString()}`;
}
