// Workers: what state one is in, and how a list of up to tens of thousands is searched and sorted.

import type { Worker } from "../api/types";
import { refusedPercent } from "./rejects";

/** A miner that has sent nothing for this long is silent: at the usual pace of some shares a minute chance hardly ever does it. */
export const SILENT_SECS = 300;
/** Refused work above this part is worth a look. */
const REFUSED_PERCENT_MAX = 5;
/** Fewer submits than this say nothing about the part that is refused. */
const SUBMITS_MIN = 20;

export type WorkerState = "working" | "starting" | "silent" | "refused";

export function workerState(worker: Worker): WorkerState {
  const sinceShare = worker.last_share_secs;
  const submitted = worker.submits.accepted + worker.submits.stale + worker.submits.rejected;
  const quietFor = sinceShare ?? (worker.submits.accepted > 0 ? 0 : worker.connected_secs);
  if (quietFor > SILENT_SECS) return "silent";
  if (submitted >= SUBMITS_MIN && (refusedPercent(worker.submits) ?? 0) > REFUSED_PERCENT_MAX) return "refused";
  return worker.submits.accepted === 0 ? "starting" : "working";
}

export const STATE_WORDS: Record<WorkerState, string> = {
  working: "working",
  starting: "starting",
  silent: "silent",
  refused: "much refused",
};

export const SORT_KEYS = ["name", "hashrate", "share", "accepted", "refused", "connected"] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface Sort {
  key: SortKey;
  descending: boolean;
}

export const keyOf = (worker: Worker): string => worker.id ?? `${worker.address}.${worker.worker}`;

function quantity(worker: Worker, key: Exclude<SortKey, "name">): number {
  switch (key) {
    case "hashrate":
      return worker.hashrate;
    case "share":
      return worker.last_share_secs ?? Number.MAX_SAFE_INTEGER;
    case "accepted":
      return worker.submits.accepted;
    case "refused":
      return refusedPercent(worker.submits) ?? -1;
    case "connected":
      return worker.connected_secs;
  }
}

const COLLATOR = new Intl.Collator("en", { numeric: true });

function compare(a: Worker, b: Worker, { key, descending }: Sort): number {
  const order = key === "name" ? COLLATOR.compare(a.worker, b.worker) : quantity(a, key) - quantity(b, key);
  if (order !== 0) return descending ? -order : order;
  return COLLATOR.compare(a.worker, b.worker) || COLLATOR.compare(keyOf(a), keyOf(b));
}

/** The workers whose name, address or software contains what is looked for, in order. */
export function arrange(workers: readonly Worker[], search: string, sort: Sort): Worker[] {
  const wanted = search.trim().toLowerCase();
  const found = wanted
    ? workers.filter(({ worker, address, agent }) =>
        [worker, address, agent].some((text) => text.toLowerCase().includes(wanted)),
      )
    : [...workers];
  return found.sort((a, b) => compare(a, b, sort));
}

export interface Totals {
  hashrate: number;
  states: Record<WorkerState, number>;
}

export function totals(workers: readonly Worker[]): Totals {
  const states: Record<WorkerState, number> = { working: 0, starting: 0, silent: 0, refused: 0 };
  let hashrate = 0;
  for (const worker of workers) {
    states[workerState(worker)] += 1;
    hashrate += worker.hashrate;
  }
  return { hashrate, states };
}

/** The payout addresses of these workers, the one with the most hash rate first. */
export function addresses(workers: readonly Worker[]): string[] {
  const rates = new Map<string, number>();
  for (const { address, hashrate } of workers) rates.set(address, (rates.get(address) ?? 0) + hashrate);
  return [...rates].sort(([a, x], [b, y]) => y - x || a.localeCompare(b)).map(([address]) => address);
}
