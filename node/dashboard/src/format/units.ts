// Numbers as people read them. Everything here takes what an API may leave out and never prints NaN, null or undefined.

/** What stands where nothing is known. */
export const NOTHING = "–";

type Maybe = number | null | undefined;

const PREFIXES = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"] as const;
/** Space that no line breaks at, between a number and its unit. */
const SPACE = "\u00a0";

export function known(value: Maybe): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** Three significant digits: 1.23, 12.3, 123. */
export function significant(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95) return value.toFixed(0);
  return value.toFixed(size >= 9.995 ? 1 : 2);
}

function scaled(value: number, unit: string): string {
  const sign = value < 0 ? "-" : "";
  let rest = Math.abs(value);
  let step = 0;
  while (rest >= 999.5 && step < PREFIXES.length - 1) {
    rest /= 1000;
    step += 1;
  }
  const plain = step === 0 && Number.isInteger(rest);
  return `${sign}${plain ? rest.toFixed(0) : significant(rest)}${SPACE}${PREFIXES[step]}${unit}`;
}

export function hashrate(hashesPerSec: Maybe): string {
  return known(hashesPerSec) ? scaled(hashesPerSec, "H/s") : NOTHING;
}

export function hashes(count: Maybe): string {
  return known(count) ? scaled(count, "H") : NOTHING;
}

/** A difficulty has no unit; small ones of test networks keep their digits. */
export function difficulty(value: Maybe): string {
  if (!known(value)) return NOTHING;
  if (value !== 0 && Math.abs(value) < 0.01) return value.toExponential(1);
  return scaled(value, "").trimEnd();
}

/** The band of a rate in one unit: `11.9–12.9 TH/s`. */
export function hashrateBand(low: Maybe, high: Maybe): string {
  if (!known(low) || !known(high)) return NOTHING;
  const [lowNumber, lowUnit] = hashrate(low).split(SPACE);
  const [highNumber, highUnit] = hashrate(high).split(SPACE);
  const start = lowUnit === highUnit ? lowNumber : `${lowNumber}${SPACE}${lowUnit}`;
  return `${start}–${highNumber}${SPACE}${highUnit}`;
}

/** A whole number with thin groups: 12 345. */
export function count(value: Maybe): string {
  if (!known(value)) return NOTHING;
  const digits = Math.abs(Math.round(value)).toFixed(0);
  return (value < 0 ? "-" : "") + digits.replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** A percentage that never claims certainty: 99.97 is not 100, 0.004 is not 0. */
export function percent(value: Maybe): string {
  if (!known(value)) return NOTHING;
  if (value === 0 || value === 100) return `${value}${SPACE}%`;
  if (value > 0 && value < 0.01) return `<${SPACE}0.01${SPACE}%`;
  if (value > 99.9 && value < 100) return `>${SPACE}99.9${SPACE}%`;
  const size = Math.abs(value);
  const digits = size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)}${SPACE}%`;
}

export function milliseconds(value: Maybe): string {
  if (!known(value)) return NOTHING;
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)}${SPACE}ms`;
}

/** `1 worker`, `2 workers`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
