import assert from "node:assert/strict";
import { test } from "node:test";
import type { Health, Miner, Network, Peer, Status, Worker } from "../api/types";
import { healthAnswer, miningAnswer, payAnswer, peersAnswer } from "./answers";

const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, " ");
const COIN = { name: "Bitcoin", symbol: "BTC", decimals: 8 };

const status = (over: Partial<Status> = {}): Status => ({
  network: "devnet",
  version: "1",
  peer_id: "p",
  region: null,
  uptime_secs: 60,
  synced: true,
  sync_state: "synced",
  sync_target_height: null,
  sync_shares_per_sec: null,
  sync_secs_left: null,
  mining: true,
  share_height: 9,
  share_tip: "",
  window_shares: 0,
  base_work: 1,
  share_interval_ms: 1000,
  peers: 0,
  p2p_listen: [],
  stratum_url: "",
  stratum_v2_url: null,
  fee_basis_points: 0,
  miners: 1,
  hashrate: 2e12,
  submits: { accepted: 99, stale: 1, rejected: 0 },
  parent: { height: 3, tip: null, ready: true, problem: null, daemons: [] },
  blocks_found: 0,
  upgrades: [],
  ...over,
});
const worker = (over: Partial<Worker> = {}): Worker => ({
  address: "a",
  worker: "w",
  agent: "",
  hashrate: 1e12,
  connected_secs: 900,
  last_share_secs: 3,
  submits: { accepted: 50, stale: 0, rejected: 0 },
  ...over,
});
const miner = (over: Partial<Miner> = {}): Miner => ({
  address: "a",
  window_work_hashes: 1,
  window_share_percent: 2,
  shares_kept: 3,
  next_payout: 123_000,
  expected_payout: 123_000,
  payout_chance_percent: 100,
  blocks_per_day: 2,
  payout_24h_chance_percent: 87,
  workers: [],
  payouts: [],
  ...over,
});

test("mining: one miner that sends work is a plain yes", () => {
  const answer = miningAnswer(status(), [worker()]);
  assert.equal(answer.tone, "good");
  assert.equal(answer.headline, "Yes, it is working");
  assert.equal(plain(answer.detail), "2.00 TH/s, 1.00 % refused.");
});

test("mining: nobody there, no work, silence and refusals are told apart", () => {
  assert.equal(miningAnswer(status({ miners: 0 }), []).tone, "quiet");
  const waiting = miningAnswer(
    status({
      mining: false,
      parent: { height: null, tip: null, ready: false, problem: "connection refused", daemons: [] },
    }),
    [worker()],
  );
  assert.deepEqual([waiting.tone, waiting.detail], ["bad", "connection refused"]);
  assert.equal(miningAnswer(status(), [worker({ last_share_secs: 4000 })]).headline, "Connected, but nothing arrives");
  assert.equal(
    miningAnswer(status(), [worker({ submits: { accepted: 10, stale: 0, rejected: 40 } })]).headline,
    "Connected, but much is refused",
  );
  const some = miningAnswer(status({ miners: 2 }), [worker(), worker({ worker: "attic", last_share_secs: 4000 })]);
  assert.equal(some.headline, "Yes, but 1 of 2 needs a look");
  assert.match(some.detail, /attic sends nothing/);
});

test("mining: a fresh miner is waited for", () => {
  const fresh = worker({ connected_secs: 4, last_share_secs: null, submits: { accepted: 0, stale: 0, rejected: 0 } });
  assert.equal(miningAnswer(status(), [fresh]).headline, "Connected, waiting for the first share");
});

test("mining: ten thousand workers of which a page is known are counted in full", () => {
  assert.equal(plain(miningAnswer(status({ miners: 10_000 }), [worker()]).headline), "Yes, all 10 000 are working");
});

test("pay: an amount, its chance, its pace", () => {
  const answer = payAnswer(miner(), COIN);
  assert.equal(plain(answer.headline), "0.00123 BTC with the pool's next block");
  assert.equal(
    plain(answer.detail),
    "87.0 % chance of a payout within 24 h; as likely as not within 8 hours. The pool finds a block every 12 hours on average.",
  );
});

test("pay: a small miner is told its mean and the chance of the draw", () => {
  const answer = payAnswer(miner({ next_payout: null, expected_payout: 500, payout_chance_percent: 5 }), COIN);
  assert.equal(plain(answer.headline), "0.000005 BTC per block on average");
  assert.match(plain(answer.detail), /chance of 5\.00 %/);
});

test("pay: nothing known prints nothing odd", () => {
  const unknown = payAnswer(
    miner({
      next_payout: null,
      expected_payout: null,
      payout_chance_percent: null,
      blocks_per_day: null,
      payout_24h_chance_percent: null,
    }),
    null,
  );
  assert.equal(unknown.tone, "quiet");
  for (const answer of [unknown, payAnswer(null, null)])
    assert.doesNotMatch(answer.headline + answer.detail, /NaN|null|undefined|Infinity/);
});

test("health: the worst comes first", () => {
  const ready: Health = { status: "ready", problems: [], findings: [] };
  assert.equal(healthAnswer(status(), ready).tone, "good");
  const warned: Health = {
    ...ready,
    findings: [{ check: "clock", verdict: "warn", finding: "The clock is slow.", cause: null, fix: null }],
  };
  assert.deepEqual(healthAnswer(status(), warned), {
    tone: "warn",
    headline: "Yes, with 1 warning",
    detail: "The clock is slow.",
  });
  assert.equal(healthAnswer(status(), { status: "unhealthy", problems: ["no daemon"] }).detail, "no daemon");
  const behind = healthAnswer(
    status({ sync_state: "behind", share_height: 50, sync_target_height: 200, sync_secs_left: 30 }),
    null,
  );
  assert.equal(plain(behind.detail), "25.0 % done, about 30 seconds left. Nothing has to be done.");
});

test("peers: nobody, somebody, unreachable, attacked", () => {
  const peer = (over: Partial<Peer>): Peer => ({ peer_id: "p", rtt_min_ms: 30, region: "EU", ...over }) as Peer;
  const network = { reachable: true, alarm: null } as Network;
  assert.equal(peersAnswer(status(), [], network).tone, "warn");
  const two = peersAnswer(status({ peers: 2 }), [peer({}), peer({ region: "NA", rtt_min_ms: null })], network);
  assert.equal(
    plain(`${two.headline}. ${two.detail}`),
    "2 nodes in 2 regions. The nearest is 30 ms away. Others can reach this node.",
  );
  assert.equal(peersAnswer(status({ peers: 1 }), [peer({})], { ...network, reachable: false }).tone, "warn");
  assert.equal(peersAnswer(status({ peers: 1 }), [peer({})], { ...network, alarm: "all in one AS" }).tone, "bad");
});
