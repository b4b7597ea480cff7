import assert from "node:assert/strict";
import { test } from "node:test";
import type { DecisionEntry, LaneChoice, Switching } from "../api/lane-types";
import {
  alternatives,
  basis,
  decisionWords,
  gain,
  healthTone,
  inOrder,
  nextAction,
  revenue,
  split,
  trouble,
} from "./lanes";

const plain = (text: string | null | undefined) => text?.replace(/[\u00a0\u202f]/g, " ");

const lane = (name: string, over: Partial<LaneChoice> = {}): LaneChoice => ({
  name,
  coin: "BTC",
  weight_percent: 0,
  wanted_percent: 0,
  health: "healthy",
  problem: null,
  is_out: false,
  coins_per_hash: null,
  revenue_per_hash: null,
  standard_error_percent: null,
  workers: 0,
  hashrate: 0,
  estimated_units: 0,
  paid_units: 0,
  ...over,
});
const A = lane("a", { weight_percent: 100, wanted_percent: 100 });
const switching = (over: Partial<Switching> = {}): Switching => ({
  mode: "OPTIMIZE_PROFIT",
  profile: "balanced",
  state: "LIVE",
  manual_lane: null,
  manual_reason: null,
  why: "kept: no lane pays more",
  next_tick: 1_024,
  next_move: 1_095,
  lanes: [A, lane("b")],
  advice: [],
  ...over,
});
const said = (over: Partial<Switching>) => {
  const { tone, headline, detail } = nextAction(switching(over), 1_000);
  return { tone, headline: plain(headline), detail: plain(detail) ?? "" };
};

test("what happens next is said for every state", () => {
  const live = said({});
  assert.deepEqual([live.tone, live.headline], ["good", "Miners stay on a"]);
  assert.match(live.detail, /^Lanes are looked at again in 24 s\. For profit this node moves miners in 1 min 35 s at/);
  assert.doesNotMatch(said({ next_move: null }).detail, /profit/);
  assert.match(said({ next_tick: 3 }).detail, /looked at again now\./);

  const would = [lane("a", { weight_percent: 100 }), lane("b", { wanted_percent: 100 })];
  const rehearsal = said({ state: "DRY-RUN", lanes: would });
  assert.deepEqual([rehearsal.tone, rehearsal.headline], ["quiet", "It would have miners on b, but moves nobody"]);
  assert.match(rehearsal.detail, /^They stay on a\./);
  assert.equal(said({ state: "PAUSED", lanes: would }).headline, "Miners stay on a");
  assert.match(said({ state: "PAUSED" }).detail, /^Paused, until you resume it\./);
  assert.match(said({ manual_lane: "b", manual_reason: "test" }).detail, /^You chose b until you release it: “test”\./);
  assert.equal(said({ why: null, lanes: [lane("a")] }).headline, "Nothing was decided yet");
});

test("a lane that failed is named, and the worst is said first", () => {
  const one = said({ lanes: [A, lane("b", { is_out: true })] });
  assert.equal(one.tone, "warn");
  assert.match(one.detail, /No miner is on b until it has been well for a while\./);
  const all = said({ why: null, manual_lane: "a", lanes: [lane("a", { is_out: true }), lane("b", { is_out: true })] });
  assert.deepEqual([all.tone, all.headline], ["bad", "No lane can be mined"]);
});

test("parts are named, the largest first, and not all of fifty", () => {
  assert.equal(split([]), "no lane");
  assert.equal(
    split([
      ["a", 100],
      ["b", 0],
    ]),
    "a",
  );
  assert.equal(
    plain(
      split([
        ["a", 40],
        ["b", 60],
      ]),
    ),
    "b 60.0 %, a 40.0 %",
  );
  const fifty = Array.from({ length: 50 }, (_, index): [string, number] => [`l${index}`, 2]);
  assert.equal(plain(split(fifty)), "l0 2.00 %, l1 2.00 %, l2 2.00 % and 47 more");
});

test("a decision says what was done, or would have been", () => {
  const all = (on: string) => [{ lane: on, basis_points: 10_000 }];
  const words = (reason: DecisionEntry["decision"]["reason"], is_move: boolean, on = "b") =>
    plain(
      decisionWords({
        number: 1,
        time: 1,
        mode: "",
        profile: "",
        state: "LIVE",
        why: "",
        is_move,
        decision: { ...(reason === undefined ? {} : { reason }), chosen: all("b"), in_effect: all(on) },
      }),
    );
  const switched = { switched: { from: "a", to: "b" } };
  assert.equal(words(switched, true), "a → b");
  assert.equal(words(switched, true, "a"), "would go a → b");
  assert.equal(words({ rebalanced: { moved_percent: 12.5 } }, true), "12.5 % of miners move");
  assert.equal(words({ rebalanced: { moved_percent: 12.5 } }, true, "a"), "would move 12.5 % of miners");
  // A lane that fails is left in a rehearsal too.
  assert.equal(words({ failed_over: { from: "a", to: "b" } }, true, "c"), "a → b");
  assert.equal(words({ failed_over: { from: "a", to: null } }, true), "a fails, nowhere to go");
  assert.equal(words({ returned: { lane: "b" } }, true), "back to b");
  assert.equal(words({ started: { lane: "b" } }, false), "starts on b");
  assert.equal(words({ manual: { lane: "b" } }, false), "by hand: b");
  assert.equal(words({ kept: {} }, false), "stays on b");
  assert.equal(words({ refused: {} }, false), "does not know enough, stays on b");
  assert.equal(words("paused", false), "paused");
  // Of an older or a newer version.
  for (const odd of [undefined, "", {}, { hovered: {} }]) assert.equal(words(odd, false), "stays on b");
});

test("gains have a sign, and what is not known is a dash", () => {
  assert.deepEqual([1.2, -0.4, 0.001, -0.001, 123.456].map(gain).map(plain), [
    "+1.20 %",
    "-0.40 %",
    "0 %",
    "0 %",
    "+123.5 %",
  ]);
  for (const hole of [null, undefined, NaN, Infinity]) assert.equal(gain(hole), "–");
});

test("what else would have been earned says over what and over which time", () => {
  const counterfactual = {
    secs: 7_200,
    unknown_secs: 60,
    chosen_gain_percent: 0.8,
    in_effect_gain_percent: -1.3,
    argmax_gain_percent: -0.4,
    oracle_gain_percent: 1.9,
    best_static: "a",
    best_static_percent: 2,
    switches_per_day: 6,
    argmax_switches_per_day: 212,
  };
  assert.deepEqual(
    alternatives(counterfactual).map((entry) => plain(entry.gain)),
    ["-1.30 %", "+0.80 %", "-0.40 %", "+1.90 %"],
  );
  assert.match(plain(basis(counterfactual)) ?? "", /all on a, .* the 2 h that are counted; in another 1 min some/);
});

test("revenue is what all hash rate would earn in a day, beside the lane that pays most", () => {
  const paying = [
    lane("a", { revenue_per_hash: 1e-12, standard_error_percent: 1.5, hashrate: 1e6 }),
    lane("b", { revenue_per_hash: 1.1e-12 }),
  ] as const;
  const of = (shown: LaneChoice, lanes: readonly LaneChoice[]) => {
    const { aDay, beside, error } = revenue(shown, lanes) ?? {};
    return [plain(aDay), plain(beside), plain(error)];
  };
  assert.deepEqual(of(paying[0], paying), ["0.0864 BTC", "-9.09 %", "± 1.50 %"]);
  assert.deepEqual(of(paying[1], paying), ["0.095 BTC", "pays most", "error not known yet"]);
  // Of several coins, by prices in a unit that is not known here.
  assert.deepEqual(of(paying[0], [paying[0], lane("c", { coin: "LTC" })])[0], "0.0864");
  const idle = [lane("a", { revenue_per_hash: 1e-12 })] as const;
  assert.deepEqual(of(idle[0], idle), [undefined, "pays most", "error not known yet"]);
  assert.equal(revenue(lane("a"), paying), null);
});

test("lanes with miners come first, and those that are not well are counted", () => {
  const lanes = [lane("c"), lane("b", { wanted_percent: 5 }), lane("y", { health: "degraded" }), A];
  assert.deepEqual(
    inOrder(lanes).map(({ name }) => name),
    ["a", "b", "y", "c"],
  );
  assert.equal(trouble(lanes), "4 lanes, 1 not well");
  assert.equal(healthTone(lane("a", { is_out: true })), "bad");
});
