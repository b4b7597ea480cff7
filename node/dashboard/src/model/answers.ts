// The four questions that everybody comes with, answered in one sentence each. Pure: what the node says goes in.

import type { Coin, Health, Miner, Network, Peer, Status, Worker } from "../api/types";
import { amount } from "../format/coins";
import { name, region } from "../format/text";
import { duration, roughly } from "../format/time";
import { count, hashrate, hashrateBand, known, milliseconds, percent, plural } from "../format/units";
import { blockPace, evenChanceSecs } from "./chance";
import { refusedPercent } from "./rejects";
import { totals, workerState } from "./workers";

/** How an answer looks: as it should be, worth a look, wrong, or nothing to say yet. */
export type Tone = "good" | "warn" | "bad" | "quiet";

export interface Answer {
  tone: Tone;
  headline: string;
  detail: string;
}

export const WAITING: Answer = { tone: "quiet", headline: "Asking the node…", detail: "" };

function whyNoWork(status: Status): string {
  if (!status.synced && status.sync_state === "behind")
    return "The node still fetches the share chain; work starts by itself after that.";
  return status.parent.problem ?? "The coin daemon gives no work yet.";
}

/** The first worker that needs a look, and why. */
function firstTroubled(workers: readonly Worker[]): string {
  const found = workers.find((worker) => ["silent", "refused"].includes(workerState(worker)));
  if (!found) return "";
  const who = name(found.worker, "One of them");
  return workerState(found) === "silent" ? `${who} sends nothing.` : `Much of the work of ${who} is refused.`;
}

/** Is my miner working? `workers` may be the first page of many; `status.miners` counts all. */
export function miningAnswer(status: Status, workers: readonly Worker[]): Answer {
  if (status.miners === 0 && workers.length === 0) {
    return { tone: "quiet", headline: "No miner is connected yet", detail: "The steps below take about a minute." };
  }
  const all = Math.max(status.miners, workers.length);
  if (!status.mining) {
    return {
      tone: "bad",
      headline: `${plural(all, "miner")} ${all === 1 ? "waits" : "wait"} for work`,
      detail: whyNoWork(status),
    };
  }
  const { states } = totals(workers);
  const troubled = states.silent + states.refused;
  const band = status.hashrate_band ? ` (${hashrateBand(status.hashrate_band.low, status.hashrate_band.high)})` : "";
  const part = refusedPercent(status.submits);
  const detail = `${hashrate(status.hashrate)}${band}, ${part === null ? "no work sent yet" : `${percent(part)} refused`}.`;
  if (workers.length > 0 && troubled === workers.length) {
    return {
      tone: "bad",
      headline: states.silent > 0 ? "Connected, but nothing arrives" : "Connected, but much is refused",
      detail,
    };
  }
  if (troubled > 0) {
    return {
      tone: "warn",
      headline: `Yes, but ${troubled} of ${count(all)} ${troubled === 1 ? "needs" : "need"} a look`,
      detail: `${detail} ${firstTroubled(workers)}`,
    };
  }
  if (workers.length > 0 && states.starting === workers.length) {
    return {
      tone: "quiet",
      headline: "Connected, waiting for the first share",
      detail: "The first one can take some minutes.",
    };
  }
  return { tone: "good", headline: all === 1 ? "Yes, it is working" : `Yes, all ${count(all)} are working`, detail };
}

/** When am I paid? `miner` is null when nobody mines to an address here. */
export function payAnswer(miner: Miner | null, coin: Coin | null): Answer {
  if (!miner) {
    return {
      tone: "quiet",
      headline: "Once your miner has sent work",
      detail: "Each block of the pool pays the miners directly, in the block itself.",
    };
  }
  const pace = blockPace(miner.blocks_per_day);
  const half = evenChanceSecs(miner.payout_24h_chance_percent);
  const chance = miner.payout_24h_chance_percent;
  const odds = known(chance)
    ? `${percent(chance)} chance of a payout within 24 h${half !== null && half > 0 ? `; as likely as not within ${roughly(half)}` : ""}. `
    : "";
  if (known(miner.next_payout) && miner.next_payout > 0) {
    return {
      tone: "good",
      headline: `${amount(miner.next_payout, coin)} with the pool's next block`,
      detail: `${odds}${pace}`,
    };
  }
  if (known(miner.expected_payout) && miner.expected_payout > 0) {
    const draw = known(miner.payout_chance_percent)
      ? `The next block pays you with a chance of ${percent(miner.payout_chance_percent)}. `
      : "";
    return {
      tone: "good",
      headline: `${amount(miner.expected_payout, coin)} per block on average`,
      detail: `${draw}${odds}${pace}`,
    };
  }
  return {
    tone: "quiet",
    headline: "Your work is not in the window yet",
    detail: `It counts some time after it was done, then for every block until it leaves the window. ${pace}`,
  };
}

/** The same where a public page hides addresses and the visitor has not said which is theirs. */
export const ASK_ADDRESS: Answer = {
  tone: "quiet",
  headline: "Say which address is yours",
  detail: "This public page hides addresses. The one that you type stays in this browser.",
};

/** Is the node healthy? */
export function healthAnswer(status: Status, health: Health | null): Answer {
  if (status.sync_state === "behind") {
    const left = status.sync_secs_left;
    const target = status.sync_target_height;
    const progress =
      known(target) && target > 0
        ? `${percent(Math.min(99.9, (100 * status.share_height) / target))} done`
        : "Fetching";
    return {
      tone: "warn",
      headline: "Catching up with the pool",
      detail: `${progress}${known(left) ? `, about ${roughly(left)} left` : ""}. Nothing has to be done.`,
    };
  }
  const findings = health?.findings ?? [];
  const failed = findings.filter(({ verdict }) => verdict === "fail");
  const warned = findings.filter(({ verdict }) => verdict === "warn");
  const first = health?.problems[0] ?? failed[0]?.finding;
  if (health?.status === "unhealthy" || failed.length > 0) {
    return { tone: "bad", headline: "No, it needs you", detail: first ?? "The Health page says what to do." };
  }
  const base = `Up for ${duration(status.uptime_secs)}, share height ${count(status.share_height)}, block ${count(status.parent.height)}.`;
  if (warned.length > 0)
    return {
      tone: "warn",
      headline: `Yes, with ${plural(warned.length, "warning")}`,
      detail: warned[0]?.finding ?? base,
    };
  if (health && health.status !== "ready") return { tone: "warn", headline: "Almost ready", detail: first ?? base };
  return { tone: "good", headline: "Yes, all is well", detail: base };
}

/** Whom am I connected to? */
export function peersAnswer(status: Status, peers: readonly Peer[], network: Network | null): Answer {
  if (network?.alarm) return { tone: "bad", headline: "The peers look like an attacker's", detail: network.alarm };
  const all = Math.max(status.peers, peers.length);
  if (all === 0) {
    return {
      tone: "warn",
      headline: "To nobody: this node mines alone",
      detail: "Add a peer, or check that the node may open connections.",
    };
  }
  const regions = [
    ...new Set(peers.map((peer) => peer.region).filter((code): code is string => !!code && code !== "-")),
  ];
  const nearest = peers
    .map((peer) => peer.rtt_min_ms)
    .filter(known)
    .sort((a, b) => a - b)[0];
  const where =
    regions.length > 0 ? ` in ${regions.length === 1 ? region(regions[0]) : `${regions.length} regions`}` : "";
  const close = known(nearest) ? `The nearest is ${milliseconds(nearest)} away. ` : "";
  const reach =
    network?.reachable === false
      ? "Others cannot connect to this node: open its port."
      : network?.reachable
        ? "Others can reach this node."
        : "";
  return {
    tone: network?.reachable === false ? "warn" : "good",
    headline: `${plural(all, "node")}${where}`,
    detail: `${close}${reach}`.trim() || "They hold the same share chain as this node.",
  };
}

/** A short label of where a peer is. */
export function peerPlace(peer: Peer): string {
  const country = peer.country ? `, ${name(peer.country)}` : "";
  return `${region(peer.region)}${country}`;
}
