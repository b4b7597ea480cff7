// Hash rate over time with the band that chance alone explains.

import type { HashratePoint } from "../api/types";
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

/** Shares come as a Poisson process: n of them say the rate to about 1.96 / sqrt(n). */
export function series(points: readonly HashratePoint[]): Series {
  const result: Series = { times: [], rates: [], lows: [], highs: [] };
  for (const { time, hashrate, accepted } of points) {
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
