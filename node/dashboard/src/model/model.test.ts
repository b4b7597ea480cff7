import assert from "node:assert/strict";
import { test } from "node:test";
import { geoNaturalEarth1Raw } from "d3-geo";
import type { DagShare, HashratePoint, LiveShare, NearNode, Worker } from "../api/types";
import { MAP_HEIGHT, MAP_WIDTH, naturalEarth, placeOf } from "../charts/projection";
import { effortSentence, evenChanceSecs, oneIn } from "./chance";
import { HEIGHTS_MAX, layout, radiusOf, withShare, withTip } from "./dag";
import { series, summary } from "./history";
import { LONGEST_MS, backoffMs } from "./reconnect";
import { refusedTimes, rejectRows } from "./rejects";
import { rttClass } from "./rtt";
import { treemap } from "./treemap";
import { failovers, ordered } from "./urls";
import { slice } from "./virtual";
import { holdings } from "./window";
import { arrange, workerState } from "./workers";

const worker = (name: string, over: Partial<Worker> = {}): Worker => ({
  address: "a",
  worker: name,
  agent: "cgminer",
  hashrate: 1,
  connected_secs: 900,
  last_share_secs: 3,
  submits: { accepted: 50, stale: 0, rejected: 0 },
  ...over,
});

test("treemap: areas are as the values, nothing overlaps or leaves the box", () => {
  const values = [50, 20, 10, 7, 5, 4, 2, 1, 1];
  const rects = treemap(values, 400, 200);
  assert.equal(rects.length, values.length);
  rects.forEach((rect, index) => {
    assert.ok(Math.abs(rect.width * rect.height - ((values[index] ?? 0) / 100) * 80_000) < 1e-6);
    assert.ok(
      rect.x >= -1e-9 && rect.y >= -1e-9 && rect.x + rect.width <= 400 + 1e-6 && rect.y + rect.height <= 200 + 1e-6,
    );
  });
  for (const [i, a] of rects.entries()) {
    for (const b of rects.slice(i + 1)) {
      const wide = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
      const high = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
      assert.ok(wide < 1e-6 || high < 1e-6);
    }
  }
});

test("treemap: nothing to draw, or nowhere to draw it, is no rectangle", () => {
  assert.deepEqual(treemap([], 100, 100), []);
  assert.deepEqual(treemap([0], 100, 100), []);
  assert.deepEqual(treemap([1], 0, 100), []);
});

test("window: the rest of many addresses is one entry, and parts sum to 100", () => {
  const weights = Array.from({ length: 100 }, (_, index) => ({ script: `s${index}`, address: null, work: index }));
  const all = holdings(weights, { work: 9_900, addresses: 250 }, 10);
  assert.equal(all.length, 11);
  assert.deepEqual([all[0]?.percent, all.at(-1)?.miners], [1, 240]);
  assert.ok(Math.abs(all.reduce((sum, { percent }) => sum + percent, 0) - 100) < 1e-9);
  assert.deepEqual(holdings([], { work: 0, addresses: 0 }, 10), []);
});

test("rows: only what is seen is drawn, and the heights add up", () => {
  for (const top of [-500, 0, 37, 200_000, 399_999, 10 ** 9]) {
    const { start, end, before, after } = slice(10_000, 40, top, 900);
    assert.ok(end - start <= 40 && end <= 10_000 && start >= 0);
    assert.equal(before + after + (end - start) * 40, 400_000);
  }
  assert.deepEqual(slice(0, 40, 0, 900), { start: 0, end: 0, before: 0, after: 0 });
  const { start, end } = slice(10_000, 40, 4_000, 800);
  assert.ok(start <= 100 && end >= 120);
});

const all = (data: HashratePoint[]) => series({ step_secs: 60, data }, 1e9);

const share = (id: string, parent: string, height: number, uncles: string[] = []): DagShare => ({
  id,
  parent,
  uncles,
  height,
  time: height,
  work_hashes: 1024,
  address: null,
  selected: false,
  is_block: false,
});

test("share chain: a tip selects its ancestors and nobody else", () => {
  const shares = [share("a", "0", 1), share("b", "a", 2), share("u", "a", 2), share("c", "b", 3, ["u"])];
  const marked = withTip(shares, "c")
    .filter(({ selected }) => selected)
    .map(({ id }) => id);
  assert.deepEqual(marked, ["a", "b", "c"]);
  assert.deepEqual(
    withTip(withTip(shares, "c"), "u")
      .filter(({ selected }) => selected)
      .map(({ id }) => id),
    ["a", "u"],
  );
  assert.deepEqual(withTip(shares, "unknown"), shares);
});

test("share chain: an event adds a share once, and old heights leave", () => {
  const live: LiveShare = {
    id: "n",
    parent: "a",
    uncles: [],
    height: 1 + HEIGHTS_MAX,
    work_hashes: 1,
    address: null,
    own: false,
    worker: null,
  };
  const added = withShare([share("a", "0", 1), share("b", "a", 2)], live, 5);
  assert.deepEqual(
    added.map(({ id }) => id),
    ["b", "n"],
  );
  assert.equal(withShare(added, live, 5).length, 2);
});

test("share chain: the selected chain is one line, what it merges is joined to it", () => {
  const shares = withTip(
    [share("a", "0", 1), share("b", "a", 2), share("u", "a", 2), share("v", "a", 2), share("c", "b", 3, ["u"])],
    "c",
  );
  const { nodes, edges } = layout(shares);
  const line = new Set(nodes.filter((node) => node.share.selected).map(({ y }) => y));
  assert.equal(line.size, 1);
  assert.equal(new Set(nodes.map(({ x, y }) => `${x},${y}`)).size, nodes.length);
  assert.deepEqual(
    edges.filter(({ kind }) => kind === "merge").map(({ from, to }) => [from.share.id, to.share.id]),
    [["c", "u"]],
  );
  assert.deepEqual(layout([]), { nodes: [], edges: [], width: 0, height: 0 });
});

test("share chain: circles grow with work and stay drawable", () => {
  assert.ok(radiusOf(64, 1) > radiusOf(2, 1));
  for (const radius of [radiusOf(0, 1), radiusOf(1, 0), radiusOf(Infinity, 1)]) assert.ok(radius >= 4 && radius <= 9);
});

test("history: a step that still runs is measured by what has passed of it", () => {
  const data = [0, 60, 120].map((time) => ({ time, hashrate: 10, accepted: 1, rejected: 0 }));
  const at = (now: number) => series({ step_secs: 60, data }, now).rates;
  assert.deepEqual(at(180), [10, 10, 10]);
  assert.deepEqual(at(150), [10, 10, 20]);
  assert.deepEqual(at(125), [10, 10]);
});

test("history: the band narrows with the number of shares and gaps stay gaps", () => {
  const { rates, lows, highs } = all([
    { time: 1, hashrate: 100, accepted: 4, rejected: 0 },
    { time: 2, hashrate: 100, accepted: 400, rejected: 0 },
    { time: 3, hashrate: null, accepted: 0, rejected: 0 },
  ]);
  assert.deepEqual(rates, [100, 100, null]);
  const width = (index: number) => (highs[index] ?? 0) - (lows[index] ?? 0);
  assert.ok(width(0) > 9 * width(1) && width(1) > 0);
  assert.equal(lows[2], null);
  const idle = { time: 0, hashrate: 0, accepted: 0, rejected: 0 };
  assert.deepEqual(all([idle, idle, { time: 9, hashrate: 7, accepted: 1, rejected: 0 }, idle]).rates, [7, 0]);
  assert.deepEqual(all([idle]).times, []);
  assert.deepEqual(summary([null, 1, 3]), { least: 1, most: 3, mean: 2 });
  assert.equal(summary([null]), null);
});

test("chances: when a payout is as likely as not", () => {
  assert.ok(Math.abs((evenChanceSecs(75) ?? 0) - 43_200) < 1e-6);
  assert.equal(evenChanceSecs(0), null);
  assert.equal(evenChanceSecs(100), 0);
});

test("effort: how ordinary it is", () => {
  assert.match(effortSentence(140, 75.3), /one in four rounds/);
  assert.match(effortSentence(500, 99.3), /fewer than one round in fifty/);
  assert.match(effortSentence(40, 33), /still young/);
  assert.match(effortSentence(null, null), /not enough work/);
  assert.equal(oneIn(0.1), "one in 10");
});

test("workers: states", () => {
  assert.equal(workerState(worker("w")), "working");
  assert.equal(workerState(worker("w", { last_share_secs: 301 })), "silent");
  assert.equal(
    workerState(
      worker("w", { last_share_secs: null, connected_secs: 10, submits: { accepted: 0, stale: 0, rejected: 0 } }),
    ),
    "starting",
  );
  assert.equal(
    workerState(
      worker("w", { last_share_secs: null, connected_secs: 1000, submits: { accepted: 0, stale: 0, rejected: 0 } }),
    ),
    "silent",
  );
  assert.equal(workerState(worker("w", { submits: { accepted: 90, stale: 0, rejected: 10 } })), "refused");
});

test("workers: searched by name, address and software; sorted with numbers in names as numbers", () => {
  const all = [
    worker("rig10", { hashrate: 5 }),
    worker("rig9", { hashrate: 7 }),
    worker("attic", { hashrate: 1, agent: "xmrig" }),
  ];
  assert.deepEqual(
    arrange(all, "", { key: "name", descending: false }).map(({ worker: name }) => name),
    ["attic", "rig9", "rig10"],
  );
  assert.deepEqual(
    arrange(all, "", { key: "hashrate", descending: true }).map(({ worker: name }) => name),
    ["rig9", "rig10", "attic"],
  );
  assert.deepEqual(
    arrange(all, " XMRIG ", { key: "name", descending: false }).map(({ worker: name }) => name),
    ["attic"],
  );
  assert.equal(all[0]?.worker, "rig10");
});

test("rejects: hours with refused work, newest first, with the reasons", () => {
  const point = (time: number, rejects: Record<string, number>) => {
    const rejected = Object.values(rejects).reduce((sum, times) => sum + times, 0);
    return { time, hashrate: 1, accepted: 9, rejected, rejects };
  };
  const data = [point(3_600, { stale: 1, duplicate: 4 }), point(7_200, {}), point(10_800, { bad_time: 2 })];
  assert.deepEqual(refusedTimes({ step_secs: 3_600, data }), [
    { time: 10_800, refused: 2, why: "wrong time 2" },
    { time: 3_600, refused: 5, why: "sent twice 4, too late 1" },
  ]);
  assert.deepEqual(refusedTimes({ step_secs: 3_600, data: [] }), []);
});

test("rejects: only what occurred, most frequent first", () => {
  const rows = rejectRows(worker("w", { rejects: { stale: 2, low_difficulty: 9, other: 0 } }));
  assert.deepEqual(
    rows.map(({ reason, count }) => [reason, count]),
    [
      ["low_difficulty", 9],
      ["stale", 2],
    ],
  );
  assert.deepEqual(rejectRows(worker("w", { rejects: null })), []);
});

test("round trips have a class each", () => {
  assert.deepEqual([0, 39.9, 40, 120, 9e9, null].map(rttClass), ["near", "near", "mid", "far", "far", "unknown"]);
});

test("addresses: what a miner in the same network uses comes first", () => {
  const urls = ordered([
    { url: "a", kind: "v2", reach: "lan" },
    { url: "b", kind: "v1", reach: "loopback" },
    { url: "c", kind: "v1", reach: "lan" },
    { url: "d", kind: "new", reach: "new" },
  ]);
  assert.deepEqual(
    urls.map(({ url }) => url),
    ["c", "b", "a", "d"],
  );
});

test("reconnecting grows patient, within bounds", () => {
  const waits = Array.from({ length: 30 }, (_, attempt) => backoffMs(attempt, 1));
  assert.equal(waits[0], 1000);
  assert.equal(Math.max(...waits), LONGEST_MS);
  assert.ok(backoffMs(3, 0) >= 4000 && backoffMs(3, 0) < backoffMs(3, 1));
});

test("map: the projection is d3-geo's, and every known place is on the map", () => {
  for (const longitude of [-180, -77, 0, 133, 180]) {
    for (const latitude of [-57, -20, 0, 51, 84]) {
      const [lambda, phi] = [(longitude * Math.PI) / 180, (latitude * Math.PI) / 180];
      const theirs = geoNaturalEarth1Raw(lambda, phi);
      naturalEarth(lambda, phi).forEach((value, axis) => assert.ok(Math.abs(value - (theirs[axis] ?? NaN)) < 1e-12));
    }
  }
  for (const region of ["NA", "SA", "EU", "AF", "AS", "OC", "AN"]) {
    const at = placeOf("peer", region, null);
    assert.ok(at && at.x > 0 && at.x < MAP_WIDTH && at.y > 0 && at.y < MAP_HEIGHT + 20);
  }
  assert.equal(placeOf("peer", "-", "??"), null);
  assert.notDeepEqual(placeOf("one", "EU", null), placeOf("two", "EU", null));
});

test("fail-overs are near, free and of different networks", () => {
  const node = (
    peer_id: string,
    rtt_ms: number | null,
    asn: number | null,
    over: Partial<NearNode> = {},
  ): NearNode => ({
    peer_id,
    own: false,
    stratum: ["stratum+tcp://x"],
    region: null,
    country: null,
    asn,
    fee_basis_points: 0,
    capacity: 10,
    load: 0,
    rtt_ms,
    ...over,
  });
  const nodes = [
    node("unmeasured", null, 4),
    node("near", 10, 1),
    node("same network", 12, 1),
    node("far", 90, 2),
    node("own", 1, 3, { own: true }),
    node("full", 2, 5, { load: 10 }),
    node("no miners", 3, 6, { stratum: [] }),
  ];
  assert.deepEqual(
    failovers(nodes, 3).map(({ peer_id }) => peer_id),
    ["near", "far", "unmeasured"],
  );
  assert.equal(failovers(nodes, 9).at(-1)?.peer_id, "same network");
});
