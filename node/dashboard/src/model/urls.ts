// Addresses for miners: which is the best to show first, and what each is for.

import type { ConnectUrl, NearNode } from "../api/types";

const REACH = ["lan", "public", "loopback"];
const KINDS = ["v1", "v1-tls", "v2"];

const rank = (list: readonly string[], entry: string): number => {
  const at = list.indexOf(entry);
  return at < 0 ? list.length : at;
};

/** Plain Stratum first, and what a miner on the same network reaches: that is what most people connect. */
export function ordered(urls: readonly ConnectUrl[]): ConnectUrl[] {
  return [...urls].sort(
    (a, b) => rank(KINDS, a.kind) - rank(KINDS, b.kind) || rank(REACH, a.reach) - rank(REACH, b.reach),
  );
}

export const bestUrl = (urls: readonly ConnectUrl[]): ConnectUrl | undefined => ordered(urls)[0];

/** Nodes for a miner to turn to when this one is down: near ones first, no two of one network if that can be. */
export function failovers(nodes: readonly NearNode[], limit: number): NearNode[] {
  const usable = nodes.filter(({ own, stratum, load, capacity }) => !own && stratum.length > 0 && load < capacity);
  const byDistance = [...usable].sort((a, b) => (a.rtt_ms ?? Infinity) - (b.rtt_ms ?? Infinity) || 0);
  const networks = new Set<number>();
  const [different, alike]: [NearNode[], NearNode[]] = [[], []];
  for (const node of byDistance) {
    const repeated = node.asn !== null && networks.has(node.asn);
    if (node.asn !== null) networks.add(node.asn);
    (repeated ? alike : different).push(node);
  }
  return [...different, ...alike].slice(0, limit);
}

const KIND_WORDS: Record<string, string> = {
  v1: "Stratum",
  "v1-tls": "Stratum, encrypted",
  v2: "Stratum V2",
};

const REACH_WORDS: Record<string, string> = {
  loopback: "from this machine only",
  lan: "from your own network",
  public: "from the internet",
};

export const kindWords = (kind: string): string => KIND_WORDS[kind] ?? kind;
export const reachWords = (reach: string): string => REACH_WORDS[reach] ?? reach;
