// Hash rate over time with the band that chance alone explains.

import type { HashrateHistory, HashratePoint } from "../api/types";
import { known } from "../format/units";

/** Two-sided 95 % of a normal distribution. */
const Z95 = 1.96;

/** Columns as uPlot wants them; null is a gap. */
export interface Series {
  times: number[];
  rates: (number | null)[];
  lows: (number | null)[];
  highs: (number | null)[];
}

/** Part of a step that has to be over before its rate says anything. */
const STEP_PART_MIN = 0.25;

/** The last step may still run: its hashes are then divided by the time that has passed of it. */
function completed({ step_secs, data }: HashrateHistory, nowSecs: number): readonly HashratePoint[] {
  const last = data.at(-1);
  const part = last ? (nowSecs - last.time) / step_secs : 1;
  if (!last || part >= 1) return data;
  const before = data.slice(0, -1);
  if (part < STEP_PART_MIN) return before;
  return [...before, { ...last, hashrate: last.hashrate === null ? null : last.hashrate / part }];
}

/** Without the time before the first share: a node that is five minutes old has five minutes to show. */
function recorded(points: readonly HashratePoint[]): readonly HashratePoint[] {
  const first = points.findIndex(
    ({ accepted, rejected, hashrate }) => accepted > 0 || rejected > 0 || (hashrate ?? 0) > 0,
  );
  return first < 0 ? [] : points.slice(first);
}

/** Shares come as a Poisson process: n of them say the rate to about 1.96 / sqrt(n). */
export function series(history: HashrateHistory, nowSecs: number): Series {
  const result: Series = { times: [], rates: [], lows: [], highs: [] };
  for (const { time, hashrate, accepted } of recorded(completed(history, nowSecs))) {
    if (!known(time)) continue;
    const rate = known(hashrate) ? hashrate : null;
    const spread = rate !== null && accepted > 0 ? Math.min(1, Z95 / Math.sqrt(accepted)) : null;
    result.times.push(time);
    result.rates.push(rate);
    result.lows.push(rate === null || spread === null ? rate : rate * (1 - spread));
    result.highs.push(rate === null || spread === null ? rate : rate * (1 + spread));
  }
  return result;
}

export interface Summary {
  least: number;
  most: number;
  mean: number;
}

/** What the chart shows, for those who do not see it; nothing without data. */
export function summary(rates: readonly (number | null)[]): Summary | null {
  const all = rates.filter(known);
  if (all.length === 0) return null;
  const sum = all.reduce((total, rate) => total + rate, 0);
  return { least: Math.min(...all), most: Math.max(...all), mean: sum / all.length };
}
