// Made-up lanes and decisions: `lanes` has three, of which one has failed, `many` has fifty, `undecided` two and no decision yet.

import { random } from "./fixtures.mjs";

const now = () => Math.floor(Date.now() / 1000);
const HASHRATE = 1.8e13;
const DECISIONS = 140;

/** Names of the lanes of a node of this kind, the first is the node's own. */
export function laneNames(variant) {
  const numbered = Array.from({ length: 49 }, (_, index) => `lane-${String(index + 2).padStart(2, "0")}`);
  const others = { lanes: ["bitcoin-small-pool", "namecoin"], many: numbered, undecided: ["second"] };
  return ["bitcoin", ...(others[variant] ?? [])];
}

function laneChoices(variant, names) {
  const isUndecided = variant === "undecided";
  return names.map((name, index) => {
    const failed = !isUndecided && index === 2;
    return {
      name,
      coin: variant === "many" && index % 3 === 2 ? "NMC" : "BTC",
      weight_percent: index === 0 ? (isUndecided ? 0 : 100) : 0,
      wanted_percent: variant === "many" ? (index < 5 ? 20 : 0) : index === 1 && !isUndecided ? 100 : 0,
      health: failed ? "failed" : index === 7 ? "degraded" : "healthy",
      problem: failed ? "no daemon gives templates: connection refused (os error 111)" : null,
      is_out: failed,
      coins_per_hash: isUndecided ? null : 4.7e-24,
      revenue_per_hash: isUndecided || failed ? null : 4.7e-24 * (1 + (index === 1 ? 0.041 : -index / 500)),
      standard_error_percent: isUndecided || failed || index === 3 ? null : 1.1,
      workers: index === 0 ? 26 : 0,
      hashrate: index === 0 ? HASHRATE : 0,
      estimated_units: isUndecided || index > 1 ? 0 : 612_345 - 600_000 * index,
      paid_units: isUndecided || index > 1 ? 0 : 590_000 - 590_000 * index,
    };
  });
}

const REASONS = [
  [{ kept: { why: "best" } }, "kept: no lane pays more"],
  [
    { kept: { why: "small_edge", lane: "bitcoin-small-pool", edge_percent: 1.2, needed_percent: 3 } },
    "kept: bitcoin-small-pool pays 1.2 % more, a move needs 3.0 %",
  ],
  [
    {
      switched: {
        from: "bitcoin",
        to: "bitcoin-small-pool",
        edge_percent: 4.1,
        standard_error_percent: 1.1,
        life_secs: 7200,
        cost_secs: 1,
      },
    },
    "bitcoin-small-pool pays 4.1 % (standard error 1.1 %) more than bitcoin; such advantages last 120 min, the move costs 1.0 s of mining",
  ],
  [
    { refused: { because: "price", coin: "NMC", error: "stale" } },
    "nothing is changed: no price for NMC: the newest is 14 min old",
  ],
  [
    { failed_over: { from: "namecoin", to: "bitcoin", because: "no daemon gives templates" } },
    "namecoin failed (no daemon gives templates): bitcoin is mined",
  ],
  [{ returned: { lane: "namecoin" } }, "namecoin is well again"],
  [{ rebalanced: { moved_percent: 12.5 } }, "12.5 % of the miners move towards their targets"],
  [{ manual: { lane: "bitcoin", because: "test of the <b>new</b> daemon" } }, "the operator chose bitcoin: test"],
  ["paused", "paused"],
];

function decision(rng, number, names, mode) {
  const [reason, why] = number === 1 ? [{ started: { lane: names[0] } }, `started on ${names[0]}`] : pick(rng, number);
  const kind = typeof reason === "string" ? reason : Object.keys(reason)[0];
  const is_move = ["switched", "failed_over", "returned", "rebalanced"].includes(kind);
  return {
    number,
    time: now() - (DECISIONS - number) * 60 - 20,
    mode,
    profile: "balanced",
    state: kind === "paused" ? "PAUSED" : number % 2 ? "LIVE" : "DRY-RUN",
    is_move,
    why,
    decision: {
      number,
      estimates: names.map((lane, index) => ({
        lane,
        revenue_per_hash: index === 2 ? null : 4.7e-24 * (1 + rng() / 20),
        standard_error_percent: index === 2 ? null : 1 + rng(),
        edge_percent: index === 2 ? null : index * 0.7,
      })),
      chosen: [{ lane: names[1] ?? names[0], basis_points: 10_000 }],
      in_effect: [{ lane: (number % 2 && names[1]) || names[0], basis_points: 10_000 }],
      reason,
      why,
      counterfactual:
        number < 3
          ? null
          : {
              secs: number * 60,
              unknown_secs: number > 50 ? 480 : 0,
              chosen_gain_percent: 0.82,
              in_effect_gain_percent: -1.31,
              argmax_gain_percent: -0.4,
              oracle_gain_percent: 1.93,
              best_static: names[0],
              best_static_percent: 2.2,
              switches_per_day: 6.1,
              argmax_switches_per_day: 212,
            },
    },
  };
}

/** Mostly nothing happens. */
const pick = (rng, number) =>
  number > DECISIONS - REASONS.length ? REASONS[DECISIONS - number] : REASONS[rng() < 0.6 ? 0 : rng() < 0.9 ? 1 : 2];

/** What a node of this kind says of its lanes: `list`, `switching` and `decisions`, the newest first. */
export function lanes(variant) {
  const rng = random(11);
  const names = laneNames(variant);
  const choices = laneChoices(variant, names);
  const none = ["undecided", "empty"].includes(variant);
  const mode = variant === "many" ? "BALANCE_LOAD" : "OPTIMIZE_PROFIT";
  const decisions = none
    ? []
    : Array.from({ length: DECISIONS }, (_, index) => decision(rng, DECISIONS - index, names, mode));
  return {
    list: choices.map(({ name, weight_percent, workers, hashrate, is_out }) => ({
      name,
      chain: name,
      algorithm: "sha256d",
      active: !is_out,
      weight_percent,
      share_height: 184_221,
      workers,
      hashrate,
    })),
    switching: {
      mode,
      profile: "balanced",
      state: "DRY-RUN",
      manual_lane: null,
      manual_reason: null,
      why: none ? null : decisions[0].why,
      next_tick: now() + 24,
      next_move: none ? null : now() + 95,
      lanes: choices,
      advice:
        variant === "lanes" ? ["No node of Oceania announces itself; this node cannot make one: run one there."] : [],
    },
    decisions,
  };
}
