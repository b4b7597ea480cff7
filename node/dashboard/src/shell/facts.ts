// Answers that several pages need, each asked for once.

import { useResource, type Resource } from "../api/resource";
import type { Lane } from "../api/lane-types";
import type { Coin, Connect, Health, List, Miner, Network, NextPayouts, Peer, Status, Worker } from "../api/types";

export const useStatus = (): Resource<Status> =>
  useResource("status", {
    every: 4_000,
    on: ["tip", "template", "worker_on", "worker_off", "peer_on", "peer_off", "block_found"],
  });

export const useHealth = (): Resource<Health> => useResource("health", { every: 8_000, on: ["warning"] });

export const usePeers = (): Resource<List<Peer>> =>
  useResource("peers?limit=1000", { every: 5_000, on: ["peer_on", "peer_off"] });

export const useNetwork = (): Resource<Network> =>
  useResource("network", { every: 10_000, on: ["peer_on", "peer_off"] });

/** The workers with the most hash rate: enough for a glance. */
export const useTopWorkers = (): Resource<List<Worker>> =>
  useResource("workers?limit=100&sort=hashrate", { every: 5_000, on: ["worker_on", "worker_off"] });

export const useConnect = (): Resource<Connect> => useResource("connect", { every: 60_000 });

export const useNextPayouts = (): Resource<NextPayouts> =>
  useResource("payouts", { every: 10_000, on: ["block_found", "template"] });

export const useMiner = (address: string | null): Resource<Miner> =>
  useResource(address === null ? null : `miners/${encodeURIComponent(address)}`, {
    every: 8_000,
    on: ["payout", "block_found", "block_confirmed", "block_orphaned"],
  });

/** Every lane of the node; null until it has answered. */
export const useLanes = (): readonly Lane[] | null =>
  useResource<List<Lane>>("lanes?limit=1000", { every: 30_000, ofNode: true }).data.value?.data ?? null;

export const useCoin = (): Coin | null => useStatus().data.value?.coin ?? null;
