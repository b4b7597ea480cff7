// The PPLNS window by address, folded so that a picture of it stays readable.

import type { Weight } from "../api/types";

export interface Holding {
  /** The address, or its script where there is none; null for the rest. */
  label: string | null;
  work: number;
  /** Of the window's work. */
  percent: number;
  /** How many addresses this stands for. */
  miners: number;
}

/** What is known of the whole window, of which the weights may be only the largest. */
export interface Whole {
  work: number;
  addresses: number;
}

/** The largest holdings first; everybody after `limit` is one last entry. */
export function holdings(weights: readonly Weight[], whole: Whole, limit: number): Holding[] {
  const positive = weights.filter(({ work }) => work > 0).sort((a, b) => b.work - a.work);
  const listed = positive.reduce((total, { work }) => total + work, 0);
  const sum = Math.max(whole.work, listed);
  const named = positive.slice(0, limit).map(({ address, script, work }) => ({
    label: address ?? script,
    work,
    percent: (100 * work) / sum,
    miners: 1,
  }));
  const miners = Math.max(whole.addresses, positive.length) - named.length;
  if (miners <= 0) return named;
  const work = sum - named.reduce((total, holding) => total + holding.work, 0);
  return [...named, { label: null, work, percent: (100 * work) / sum, miners }];
}
