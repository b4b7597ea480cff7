// Asks the node. Answers are typed but not trusted to be complete: pages show what is there.

/** Longest wait for an answer; a node under load answers in milliseconds. */
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
}

async function refusal(response: Response): Promise<Refused> {
  const body: unknown = await response.json().catch(() => null);
  const text = (key: string): string | null => {
    const value = body !== null && typeof body === "object" ? (body as Record<string, unknown>)[key] : null;
    return typeof value === "string" ? value : null;
  };
  return new Refused(response.status, text("detail") ?? text("title") ?? `the node answered ${response.status}`);
}

/**
 * The answer to GET `path` below /api/v1. 206 and 503 are answers too: health says with them that it is not ready.
 * @throws {Unreachable} without an answer, {@link Refused} with one that is none.
 */
export async function get<T>(path: string): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`${BASE}/${path}`, {
      headers: { accept: "application/json" },
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
      cache: "no-store",
    });
  } catch {
    throw new Unreachable("the node does not answer");
  }
  const answers = response.ok || (response.status === 503 && path.startsWith("health"));
  if (!answers)
    throw response.status === 502 || response.status === 504
      ? new Unreachable("the node does not answer")
      : await refusal(response);
  try {
    return (await response.json()) as T;
  } catch {
    throw new Refused(response.status, "the answer is no JSON");
  }
}

/** A path with its query; what is undefined is left out. */
export function withQuery(path: string, query: Record<string, string | number | undefined>): string {
  const pairs = Object.entries(query).filter((pair): pair is [string, string | number] => pair[1] !== undefined);
  if (pairs.length === 0) return path;
  return `${path}?${new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString()}`;
}
