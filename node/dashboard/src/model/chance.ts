// Probabilities in plain words. Luck is what people complain about most, so it is said how ordinary it is.

import { every } from "../format/time";
import { known, percent } from "../format/units";

type Maybe = number | null | undefined;

const DAY_SECS = 86_400;
/** The largest denominator of "one in n" that people can picture. */
const ONE_IN_MAX = 50;

/** `one in four`, for shares of what happens. */
export function oneIn(probability: number): string {
  const words = ["", "every", "one in two", "one in three", "one in four", "one in five", "one in six"];
  const n = Math.round(1 / probability);
  if (n <= 1) return "nearly every";
  return n < words.length ? (words[n] ?? "") : n <= ONE_IN_MAX ? `one in ${n}` : "fewer than one in fifty";
}

/** How ordinary the running round is. `percentile` is the part of rounds that are over by now, in percent. */
export function effortSentence(effortPercent: Maybe, percentile: Maybe): string {
  if (!known(effortPercent) || !known(percentile)) return "There is not enough work yet to say how this round goes.";
  const longer = 1 - percentile / 100;
  if (effortPercent < 100) {
    return `${percent(percentile)} of all rounds end before this point; this one is still young.`;
  }
  if (longer >= 0.02) return `Ordinary luck: ${oneIn(longer)} rounds takes at least this long.`;
  return "Bad luck: fewer than one round in fifty takes this long.";
}

/** Mean time between blocks. */
export function secondsPerBlock(blocksPerDay: Maybe): number | null {
  return known(blocksPerDay) && blocksPerDay > 0 ? DAY_SECS / blocksPerDay : null;
}

/** How often the pool finds a block. */
export function blockPace(blocksPerDay: Maybe): string {
  const seconds = secondsPerBlock(blocksPerDay);
  return seconds === null
    ? "How often the pool finds a block is not known yet."
    : `The pool finds a block ${every(seconds)} on average.`;
}

/** The time after which a payout is as likely as not, from the chance of the next 24 hours. Blocks come as a Poisson process. */
export function evenChanceSecs(chance24hPercent: Maybe): number | null {
  if (!known(chance24hPercent) || chance24hPercent <= 0) return null;
  if (chance24hPercent >= 100) return 0;
  return (DAY_SECS * Math.log(0.5)) / Math.log(1 - chance24hPercent / 100);
}
