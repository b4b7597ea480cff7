// Lists that are longer than a page.

import { get, withQuery } from "./client";
import type { List } from "./types";

/** Entries of one page: the most that the node gives. */
const PAGE_LEN = 1_000;
/** Entries that the browser holds. Stops a node with a million entries from filling the memory of a phone. */
export const ENTRIES_MAX = 20_000;

export interface Whole<T> {
  entries: T[];
  /** How many there are at the node. */
  total: number;
}

/** Every page of the list at `path`, up to {@link ENTRIES_MAX} entries. */
export async function getAll<T>(
  path: string,
  query: Record<string, string | number | undefined> = {},
): Promise<Whole<T>> {
  const entries: T[] = [];
  let cursor: string | undefined;
  for (;;) {
    const { data, meta } = await get<List<T>>(withQuery(path, { ...query, limit: PAGE_LEN, cursor }));
    entries.push(...data);
    cursor = meta.next ?? undefined;
    if (cursor === undefined || data.length === 0 || entries.length >= ENTRIES_MAX) {
      return { entries, total: Math.max(meta.total ?? 0, entries.length) };
    }
  }
}
