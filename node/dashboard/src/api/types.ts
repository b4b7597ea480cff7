// The shapes of /api/v1. Amounts are integers in base units, times Unix seconds. What a node may leave out is optional or
// null here, so that the compiler makes every page say what it shows then.

export interface Coin {
  name: string;
  symbol: string;
  decimals: number;
}

/** A measured rate with the band that it lies in with 95 % probability. */
export interface Band {
  low: number;
  high: number;
}

export interface PoolHashrate extends Band {
  hashes_per_sec: number;
  samples: number;
}

export interface Round {
  since: number | null;
  work_hashes: number;
  expected_hashes: number | null;
  effort_percent: number | null;
  percentile: number | null;
}

export interface Submits {
  accepted: number;
  stale: number;
  rejected: number;
}

export interface Daemon {
  url: string;
  chosen: boolean;
  ready: boolean;
  problem: string | null;
  height: number | null;
  standing: string;
}

export interface Parent {
  height: number | null;
  tip: string | null;
  ready: boolean;
  problem: string | null;
  daemons: Daemon[];
}

export interface ParentDetail extends Parent {
  template?: {
    height: number;
    age_secs: number | null;
    transactions: number | null;
    coinbase_value: number | null;
    fees: number | null;
    bits: string | null;
  } | null;
  difficulty?: number | null;
}

export interface Upgrade {
  bit: number;
  state: string;
}

export interface Status {
  network: string;
  version: string;
  peer_id: string;
  region: string | null;
  uptime_secs: number;
  synced: boolean;
  sync_state: string;
  sync_target_height: number | null;
  sync_shares_per_sec: number | null;
  sync_secs_left: number | null;
  mining: boolean;
  share_height: number;
  share_tip: string;
  window_shares: number;
  base_work: number;
  share_interval_ms: number;
  peers: number;
  p2p_listen: string[];
  stratum_url: string;
  stratum_v2_url: string | null;
  fee_basis_points: number;
  miners: number;
  hashrate: number;
  submits: Submits;
  parent: Parent;
  blocks_found: number;
  upgrades: Upgrade[];
  coin?: Coin | null;
  pool_hashrate?: PoolHashrate | null;
  hashrate_band?: Band | null;
  round?: Round | null;
  network_difficulty?: number | null;
  parent_hashes_per_block?: number | null;
}

export type Verdict = "ok" | "warn" | "fail" | "skipped";

export interface Finding {
  check: string;
  /** Which of several daemons, ports or files. */
  subject?: string | null;
  verdict: Verdict;
  finding: string;
  cause: string | null;
  fix: string | null;
}

export interface Health {
  status: string;
  problems: string[];
  findings?: Finding[];
}

export interface ConnectUrl {
  url: string;
  kind: string;
  reach: string;
}

export interface Connect {
  urls: ConnectUrl[];
  algorithm: string;
  user: string;
  password: string;
  fee_percent: number;
  snippets: { miner: string; text: string }[];
}

export const REJECT_REASONS = ["stale", "duplicate", "low_difficulty", "unknown_job", "bad_time", "other"] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

export interface Worker {
  id?: string;
  address: string;
  worker: string;
  agent: string;
  hashrate: number;
  hashrate_low?: number | null;
  hashrate_high?: number | null;
  difficulty?: number | null;
  connected_secs: number;
  last_share_secs?: number | null;
  submits: Submits;
  rejects?: Partial<Record<RejectReason, number>> | null;
}

export interface PayoutEntry {
  block: string;
  height: number;
  time: number;
  address: string | null;
  amount: number;
  status: string;
}

export interface Miner {
  address: string;
  window_work_hashes: number;
  window_share_percent: number;
  /** Shares of this address that the node keeps. */
  shares_kept?: number | null;
  next_payout: number | null;
  expected_payout: number | null;
  payout_chance_percent: number | null;
  blocks_per_day: number | null;
  payout_24h_chance_percent: number | null;
  workers: Worker[];
  payouts: PayoutEntry[];
}

export interface Share {
  id: string;
  height: number;
  time: number;
  work_hashes: number;
  address: string | null;
  worker?: string | null;
  is_uncle: boolean;
  merged_by: string | null;
  is_block: boolean;
}

export interface DagShare {
  id: string;
  /** Null for the first share of all. */
  parent: string | null;
  uncles: string[];
  height: number;
  time: number;
  work_hashes: number;
  address: string | null;
  selected: boolean;
  is_block: boolean;
}

export interface ShareDetail {
  id: string;
  parent: string | null;
  uncles: string[];
  height: number;
  count: number;
  work: number;
  time: number;
  payout_address: string | null;
  prev_block: string;
  block_height: number;
  coinbase_value: number;
  is_block: boolean;
  linked_at: number;
}

export interface Block {
  hash: string;
  height: number;
  coinbase_value: number;
  own: boolean;
  found_at: number;
  status: string;
  confirmations: number | null;
  reason: string | null;
  effort_percent?: number | null;
  payouts_count?: number | null;
}

export interface Payout {
  script: string;
  address: string | null;
  amount: number;
}

export interface Weight {
  script: string;
  address: string | null;
  work: number;
}

export interface NextPayouts {
  payout_share: string;
  window_shares: number;
  window_work: number;
  /** The largest first; of many only a page. */
  weights: Weight[];
  weights_total?: number;
  coinbase_value: number | null;
  payouts: Payout[];
}

export interface Audit {
  block: string;
  height: number;
  share: string;
  payout_share: string | null;
  coinbase_value: number | null;
  outputs: { script: string; address: string | null; expected: number | null; found: number | null; agrees: boolean }[];
  verdict: string;
  steps: string[];
}

export interface Peer {
  peer_id: string;
  address: string;
  direction: string;
  transport: string;
  slot: string | null;
  agent: string;
  rtt_ms: number | null;
  rtt_min_ms: number | null;
  rtt_jitter_ms: number | null;
  region: string | null;
  region_source: string | null;
  country: string | null;
  asn: number | null;
  share_height: number | null;
  share_lag: number | null;
  connected_secs: number;
  shares_first: number;
  shares_late: number;
}

export interface Count {
  name: string;
  count: number;
}

export interface Network {
  inbound: number;
  outbound: number;
  transports: Count[];
  regions: Count[];
  asns: Count[];
  listen: string[];
  external: string[];
  reachable: boolean | null;
  share_height: number;
  bans: number;
  alarm: string | null;
}

export interface Ban {
  subject: string;
  until: number;
  secs_left: number;
  reason: string;
}

export interface HashratePoint {
  time: number;
  hashrate: number | null;
  accepted: number;
  rejected: number;
  /** The rejected ones by reason. */
  rejects?: Partial<Record<RejectReason, number>>;
}

export interface HashrateHistory {
  step_secs: number;
  data: HashratePoint[];
}

/** A node of the directory, as it says of itself, and how far it was measured to be. */
export interface NearNode {
  peer_id: string;
  own: boolean;
  stratum: string[];
  region: string | null;
  country: string | null;
  asn: number | null;
  fee_basis_points: number;
  capacity: number;
  load: number;
  rtt_ms: number | null;
}

export interface List<T> {
  data: T[];
  meta: { count: number; total?: number; next?: string | null };
}

/** An object of /api/v1/events. */
export type LiveEvent = { id: number; time: number } & (
  | { kind: "share"; data: LiveShare }
  | { kind: "uncle"; data: { id: string; merged_by: string } }
  | { kind: "tip"; data: { id: string; height: number } }
  | { kind: "block_found"; data: { hash: string; height: number; own: boolean } }
  | { kind: "block_confirmed"; data: { hash: string; height: number; confirmations: number } }
  | { kind: "block_orphaned"; data: { hash: string; height: number } }
  | { kind: "payout"; data: { block: string; height: number; address: string; amount: number } }
  | { kind: "worker_on"; data: { address: string; worker: string; agent: string } }
  | { kind: "worker_off"; data: { address: string; worker: string } }
  | { kind: "peer_on"; data: { peer_id: string; region: string | null; direction: string } }
  | { kind: "peer_off"; data: { peer_id: string } }
  | { kind: "template"; data: { height: number; transactions: number; coinbase_value: number } }
  | { kind: "warning"; data: { text: string } }
  | { kind: "gap"; data: { missed: number } }
);

export interface LiveShare {
  id: string;
  parent: string | null;
  uncles: string[];
  height: number;
  work_hashes: number;
  address: string | null;
  own: boolean;
  worker: string | null;
}

export type EventKind = LiveEvent["kind"];

export const EVENT_KINDS: readonly EventKind[] = [
  "share",
  "uncle",
  "tip",
  "block_found",
  "block_confirmed",
  "block_orphaned",
  "payout",
  "worker_on",
  "worker_off",
  "peer_on",
  "peer_off",
  "template",
  "warning",
  "gap",
];
