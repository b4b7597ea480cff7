// Times and durations. The time that "ago" counts from is an argument.

import { NOTHING, known } from "./units";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
const SPACE = "\u00a0";

type Maybe = number | null | undefined;

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  const head = `${large}${SPACE}${largeUnit}`;
  return small > 0 ? `${head} ${small}${SPACE}${smallUnit}` : head;
}

/** The two largest units: `3 d 4 h`, `12 min`, `8 s`. */
export function duration(seconds: Maybe): string {
  if (!known(seconds) || seconds < 0) return NOTHING;
  const whole = Math.round(seconds);
  if (whole < MINUTE) return `${whole}${SPACE}s`;
  if (whole < HOUR) return two(Math.floor(whole / MINUTE), "min", whole < 10 * MINUTE ? whole % MINUTE : 0, "s");
  if (whole < DAY) return two(Math.floor(whole / HOUR), "h", Math.floor((whole % HOUR) / MINUTE), "min");
  if (whole < YEAR) return two(Math.floor(whole / DAY), "d", Math.floor((whole % DAY) / HOUR), "h");
  return whole < 1000 * YEAR ? two(Math.floor(whole / YEAR), "y", 0, "") : `over 1000${SPACE}years`;
}

/** A duration in one unit, without more exactness than uncertain things have. */
function inOneUnit(seconds: number): [value: number, unit: string] {
  if (seconds < 90) return [Math.max(1, Math.round(seconds)), "second"];
  if (seconds < 90 * MINUTE) return [Math.round(seconds / MINUTE), "minute"];
  if (seconds < 36 * HOUR) return [Math.round(seconds / HOUR), "hour"];
  if (seconds < 60 * DAY) return [Math.round(seconds / DAY), "day"];
  if (seconds < 2 * YEAR) return [Math.round(seconds / (30 * DAY)), "month"];
  return [Math.min(1000, Math.round(seconds / YEAR)), "year"];
}

/** A duration as it is said of something uncertain: `17 hours`. */
export function roughly(seconds: Maybe): string {
  if (!known(seconds) || seconds < 0) return NOTHING;
  const [value, unit] = inOneUnit(seconds);
  return `${value}${SPACE}${unit}${value === 1 ? "" : "s"}`;
}

/** How often something comes: `every 17 hours`, `every minute`. */
export function every(seconds: Maybe): string {
  if (!known(seconds) || seconds < 0) return NOTHING;
  const [value, unit] = inOneUnit(seconds);
  return value === 1 ? `every ${unit}` : `every ${value}${SPACE}${unit}s`;
}

/** How long ago a moment was. */
export function ago(unixSeconds: Maybe, nowSeconds: number): string {
  if (!known(unixSeconds) || unixSeconds <= 0) return NOTHING;
  const seconds = nowSeconds - unixSeconds;
  return seconds < 1 ? "now" : `${duration(seconds)} ago`;
}

/** `2026-11-22 08:15:03` in the reader's zone, the same in every locale. */
export function moment(unixSeconds: Maybe): string {
  if (!known(unixSeconds) || unixSeconds <= 0) return NOTHING;
  const date = new Date(unixSeconds * 1000);
  if (Number.isNaN(date.getTime())) return NOTHING;
  const pad = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

/** The time of day of a moment: `08:15:03`. */
export function timeOfDay(unixSeconds: Maybe): string {
  return moment(unixSeconds).split(" ")[1] ?? NOTHING;
}
