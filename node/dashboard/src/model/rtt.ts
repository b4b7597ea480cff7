// Round trips in classes that people can tell apart by colour.

import { known } from "../format/units";

export const RTT_CLASSES = [
  { key: "near", label: "under 40 ms", below: 40 },
  { key: "mid", label: "under 120 ms", below: 120 },
  { key: "far", label: "farther", below: Infinity },
  { key: "unknown", label: "not measured yet", below: Infinity },
] as const;

export type RttClass = (typeof RTT_CLASSES)[number]["key"];

export function rttClass(milliseconds: number | null | undefined): RttClass {
  if (!known(milliseconds)) return "unknown";
  return RTT_CLASSES.find(({ below }) => milliseconds < below)?.key ?? "far";
}
