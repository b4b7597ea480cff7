// Why submits are refused, and what to do about it.

import { REJECT_REASONS, type HashrateHistory, type RejectReason, type Submits, type Worker } from "../api/types";

interface Explanation {
  title: string;
  advice: string;
}

const EXPLANATIONS: Record<RejectReason, Explanation> = {
  stale: {
    title: "Too late",
    advice: "A newer block was there before the work arrived. A few are normal; many mean a slow line to this node.",
  },
  duplicate: {
    title: "Sent twice",
    advice: "The miner sent the same work again. Update its firmware if this goes on.",
  },
  low_difficulty: {
    title: "Too easy",
    advice:
      "The work is below the difficulty that was asked for: often the wrong algorithm, or an overclock that miscalculates.",
  },
  unknown_job: {
    title: "Unknown job",
    advice: "The miner works on a job that this node no longer has, for example after a long interruption.",
  },
  bad_time: {
    title: "Wrong time",
    advice: "The time in the header is outside what the chain accepts. Check the miner's clock and its ntime rolling.",
  },
  other: { title: "Other", advice: "The miner's own log shows the reason that the node gave." },
};

export interface RejectRow extends Explanation {
  reason: RejectReason;
  count: number;
}

/** The reasons that occurred, most frequent first. */
export function rejectRows(worker: Worker): RejectRow[] {
  const rows = REJECT_REASONS.map((reason) => ({
    reason,
    count: worker.rejects?.[reason] ?? 0,
    ...EXPLANATIONS[reason],
  }));
  return rows.filter(({ count }) => count > 0).sort((a, b) => b.count - a.count);
}

export function refused(submits: Submits): number {
  return submits.stale + submits.rejected;
}

/** Part of the submits that were refused, percent; nothing while there are none. */
export function refusedPercent(submits: Submits): number | null {
  const all = submits.accepted + refused(submits);
  return all > 0 ? (100 * refused(submits)) / all : null;
}

export interface RefusedTime {
  time: number;
  refused: number;
  /** Why, the most frequent reason first. */
  why: string;
}

/** The steps of a history in which work was refused, newest first, and why. */
export function refusedTimes(history: HashrateHistory): RefusedTime[] {
  const times = history.data
    .filter(({ rejected }) => rejected > 0)
    .map(({ time, rejected, rejects }) => {
      const counts = REJECT_REASONS.map((reason) => ({ reason, times: rejects?.[reason] ?? 0 }));
      const seen = counts.filter(({ times }) => times > 0).sort((a, b) => b.times - a.times);
      const why = seen.map(({ reason, times }) => `${EXPLANATIONS[reason].title.toLowerCase()} ${times}`).join(", ");
      return { time, refused: rejected, why };
    });
  return times.reverse();
}
