// What a block's state means to those whom it pays.

import type { Block } from "../api/types";
import type { Tone } from "./answers";

const STATES: Record<string, { tone: Tone; words: string; meaning: string }> = {
  confirmed: {
    tone: "good",
    words: "confirmed",
    meaning: "It is part of the chain; its payouts are spendable once they are mature.",
  },
  pending: {
    tone: "quiet",
    words: "pending",
    meaning: "It was handed to the network and waits for blocks on top of it.",
  },
  orphaned: {
    tone: "warn",
    words: "orphaned",
    meaning: "Another block took its place: it pays nothing. That is nobody's fault.",
  },
  refused: { tone: "bad", words: "refused", meaning: "The coin daemon refused it." },
};

export function blockState(status: string): { tone: Tone; words: string; meaning: string } {
  return STATES[status] ?? { tone: "quiet", words: status, meaning: "" };
}

/** Mean effort of the blocks that have one, percent: near 100 over many blocks if all is fair. */
export function meanEffort(blocks: readonly Block[]): number | null {
  const efforts = blocks
    .map(({ effort_percent }) => effort_percent)
    .filter((effort): effort is number => typeof effort === "number");
  return efforts.length > 0 ? efforts.reduce((sum, effort) => sum + effort, 0) / efforts.length : null;
}
