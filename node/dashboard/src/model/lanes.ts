// The choice among lanes in words: what happens next, what a decision was, what else would have been earned. Pure.

import type { Counterfactual, DecisionEntry, LaneChoice, LaneWeight, ReasonDetail, Switching } from "../api/lane-types";
import { name } from "../format/text";
import { duration, timeOfDay } from "../format/time";
import { NOTHING, count, known, percent, plural } from "../format/units";
import type { Answer, Tone } from "./answers";

/** Parts that are named before "and more". */
const NAMED_MAX = 3;
/** Parts nearer than this are the same, percent: they are sent in hundredths. */
const SAME_PERCENT = 0.005;

export const stateTone = (state: string): Tone => (state === "LIVE" ? "good" : state === "PAUSED" ? "warn" : "quiet");

/** What a state means. A failed lane is left and an order obeyed in all of them. */
export function stateWords(state: string): string {
  switch (state) {
    case "LIVE":
      return "Decisions take effect: miners are moved on the connection that they have.";
    case "PAUSED":
      return "Nothing is decided. Only your order and a lane that fails move miners.";
    default:
      return "A rehearsal: all is decided and written down, but only your order and a lane that fails move miners.";
  }
}

const MODES: Record<string, string> = {
  OPTIMIZE_PROFIT: "most revenue",
  BALANCE_LOAD: "the parts that you set",
  MAXIMIZE_STABILITY: "steady income",
  GEOGRAPHIC_DISTRIBUTION: "spread over regions",
  ADAPTIVE_LEARNING: "most revenue, as learned here",
};

export const modeWords = (mode: string): string => MODES[mode] ?? name(mode);

/** `in 24 s`, or `now`. */
const due = (at: number, nowSecs: number): string => (at > nowSecs ? `in ${duration(at - nowSecs)}` : "now");

type Part = [lane: string, percent: number];

/** `a`, or `a 60 %, b 40 %`. */
export function split(parts: readonly Part[]): string {
  const some = parts.filter(([, part]) => part > 0).sort((a, b) => b[1] - a[1]);
  if (some.length === 0) return "no lane";
  if (some.length === 1) return name(some[0]?.[0]);
  const named = some.slice(0, NAMED_MAX).map(([lane, part]) => `${name(lane)} ${percent(part)}`);
  const more = some.length - named.length;
  return named.join(", ") + (more > 0 ? ` and ${count(more)} more` : "");
}

const now = ({ name: lane, weight_percent }: LaneChoice): Part => [lane, weight_percent];
const wanted = ({ name: lane, wanted_percent }: LaneChoice): Part => [lane, wanted_percent];

/** What happens next, and when. */
export function nextAction(of: Switching, nowSecs: number): Answer {
  const { lanes, state } = of;
  const out = lanes.filter(({ is_out }) => is_out).map(({ name: lane }) => name(lane));
  const look =
    `Lanes are looked at again ${due(of.next_tick, nowSecs)}.` +
    (out.length > 0 ? ` No miner is on ${out.join(", ")} until it has been well for a while.` : "");
  if (lanes.length > 0 && out.length === lanes.length)
    return { tone: "bad", headline: "No lane can be mined", detail: look };
  if (of.why === null) return { tone: "quiet", headline: "Nothing was decided yet", detail: look };
  const tone: Tone = out.length > 0 ? "warn" : "good";
  const stays = `Miners stay on ${split(lanes.map(now))}`;
  if (of.manual_lane !== null)
    return {
      tone: "warn",
      headline: stays,
      detail: `You chose ${name(of.manual_lane)} until you release it: “${of.manual_reason ?? NOTHING}”. ${look}`,
    };
  if (state === "PAUSED") return { tone: "warn", headline: stays, detail: `Paused, until you resume it. ${look}` };
  const differs = lanes.some((lane) => Math.abs(lane.weight_percent - lane.wanted_percent) > SAME_PERCENT);
  if (differs && state !== "LIVE")
    return {
      tone: out.length > 0 ? "warn" : "quiet",
      headline: `It would have miners on ${split(lanes.map(wanted))}, but moves nobody`,
      detail: `They stay on ${split(lanes.map(now))}. ${look}`,
    };
  const move =
    of.next_move === null
      ? ""
      : ` For profit this node moves miners ${due(of.next_move, nowSecs)} at the earliest (${timeOfDay(of.next_move)}): ` +
        "every node has moments of its own, so that they do not all move at once.";
  return { tone, headline: stays, detail: look + move };
}

const sameParts = (a: readonly LaneWeight[] = [], b: readonly LaneWeight[] = []): boolean =>
  a.length === b.length &&
  a.every(({ lane, basis_points }) => b.some((other) => other.lane === lane && other.basis_points === basis_points));

export const parts = (weights: readonly LaneWeight[] = []): string =>
  split(weights.map(({ lane, basis_points }) => [lane, basis_points / 100]));

/** What was done, in a few words; "would" where it was decided and not done. */
export function decisionWords({ is_move, decision }: DecisionEntry): string {
  const { reason, chosen, in_effect } = decision;
  const [kind, detail]: [string, ReasonDetail] =
    typeof reason === "object" && reason !== null ? (Object.entries(reason)[0] ?? ["", {}]) : [reason ?? "", {}];
  const would = is_move && kind !== "failed_over" && !sameParts(chosen, in_effect) ? "would go " : "";
  const { from, to, lane, moved_percent } = detail;
  switch (kind) {
    case "started":
      return `starts on ${name(lane)}`;
    case "switched":
    case "failed_over":
      return to ? `${would}${name(from)} → ${name(to)}` : `${name(from)} fails, nowhere to go`;
    case "returned":
      return `${would}back to ${name(lane)}`;
    case "rebalanced":
      return `${would && "would move "}${percent(moved_percent)} of miners${would ? "" : " move"}`;
    case "manual":
      return `by hand: ${name(lane)}`;
    case "paused":
      return "paused";
    case "refused":
      return `does not know enough, stays on ${parts(in_effect)}`;
    default:
      return `stays on ${parts(in_effect)}`;
  }
}

/** `+1.20 %`. */
export function gain(value: number | null | undefined): string {
  if (!known(value)) return NOTHING;
  if (Math.abs(value) < 0.005) return percent(0);
  return `${value > 0 ? "+" : ""}${value.toFixed(Math.abs(value) < 10 ? 2 : 1)}\u00a0%`;
}

export interface Alternative {
  label: string;
  gain: string;
  hint: string;
}

const moves = (aDay: number): string => (known(aDay) ? `${aDay.toFixed(1)} moves a day` : "");

/** What other ways to decide would have earned, over the best single lane. */
export const alternatives = (of: Counterfactual): Alternative[] => [
  { label: "As it was", gain: gain(of.in_effect_gain_percent), hint: "what took effect" },
  { label: "As decided", gain: gain(of.chosen_gain_percent), hint: moves(of.switches_per_day) },
  {
    label: "Always the best paying",
    gain: gain(of.argmax_gain_percent),
    hint: moves(of.argmax_switches_per_day),
  },
  { label: "With foresight", gain: gain(of.oracle_gain_percent), hint: "nobody can have more" },
];

export const basis = ({ best_static, secs, unknown_secs }: Counterfactual): string =>
  `More or less than all on ${name(best_static)}, which was the best single lane of the ${duration(secs)} that are counted` +
  (unknown_secs > 0 ? `; in another ${duration(unknown_secs)} some revenue was not known.` : ".");

/** A small number with three digits, however small. */
function few(value: number): string {
  if (value >= 1000) return count(value);
  return value === 0 || value >= 0.001 ? String(Number(value.toPrecision(3))) : value.toExponential(2);
}

export interface Revenue {
  /** What all hash rate of the node would earn on the lane in a day; null while nothing is mined or the unit is not known. */
  aDay: string | null;
  /** Compared with the lane that pays most. */
  beside: string;
  error: string;
}

/** What a lane is thought to pay; null while that is not known. */
export function revenue(lane: LaneChoice, lanes: readonly LaneChoice[]): Revenue | null {
  const { revenue_per_hash: own, standard_error_percent: error } = lane;
  if (!known(own)) return null;
  const best = Math.max(...lanes.map((other) => other.revenue_per_hash ?? 0));
  const rate = lanes.reduce((sum, other) => sum + other.hashrate, 0);
  // Lanes of several coins are compared by price, whose unit only the operator knows.
  const unit = lanes.every(({ coin }) => coin === lane.coin) ? `\u00a0${name(lane.coin)}` : "";
  return {
    aDay: rate > 0 ? `${few(own * rate * 86_400)}${unit}` : null,
    beside: own >= best ? "pays most" : gain(100 * (own / best - 1)),
    error: known(error) ? `±\u00a0${percent(error)}` : "error not known yet",
  };
}

export function healthTone({ health, is_out }: LaneChoice): Tone {
  if (is_out || health === "failed") return "bad";
  return health === "healthy" ? "good" : "warn";
}

const isIll = (lane: LaneChoice): boolean => healthTone(lane) !== "good";

/** Those with miners first, then those that should have them, then those that are not well, then by name. */
export const inOrder = (lanes: readonly LaneChoice[]): LaneChoice[] =>
  [...lanes].sort(
    (a, b) =>
      b.weight_percent - a.weight_percent ||
      b.wanted_percent - a.wanted_percent ||
      Number(isIll(b)) - Number(isIll(a)) ||
      (a.name < b.name ? -1 : 1),
  );

/** How many are not well. */
export function trouble(lanes: readonly LaneChoice[]): string {
  const ill = lanes.filter(isIll).length;
  return `${plural(lanes.length, "lane")}${ill > 0 ? `, ${count(ill)} not well` : ""}`;
}
