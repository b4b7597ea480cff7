// When to try again: soon at first, then ever more patiently, never all at once.

const FIRST_MS = 1_000;
/** A node that restarts is back within a minute; nobody wants to wait longer than this after that. */
export const LONGEST_MS = 15_000;

/** Wait before attempt `attempt` (0 is the first after a failure). `random` in 0..1 spreads many browsers. */
export function backoffMs(attempt: number, random: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(full * (0.5 + random / 2));
}
