// What this node's miners were really paid on each lane since it was started, to stand beside what their work should have earned.

import { getAll } from "./all";
import { Unreachable, get, withQuery } from "./client";
import { inLane } from "./lane";
import type { List, PayoutEntry, Share, Status } from "./types";

/** Addresses of a lane whose payouts are asked for. Stops a node of thousands of miners from being asked thousands of questions. */
const ADDRESSES_MAX = 8;
/** Own shares that are looked through for addresses. */
const SHARES_LOOKED_AT = 200;
/** Blocks that pay nothing after all. */
const LOST: readonly string[] = ["orphaned", "refused"];

export interface Realised {
  /** Base units. */
  units: number;
  /** Whether there are more addresses than were asked for. */
  isPart: boolean;
}

async function paidOn(lane: string, from: number): Promise<Realised | null> {
  const query = { own: "true", limit: SHARES_LOOKED_AT };
  const { data } = await get<List<Share>>(inLane(withQuery("shares", query), lane));
  const addresses = [...new Set(data.flatMap(({ address }) => address ?? []))];
  let units = 0;
  for (const address of addresses.slice(0, ADDRESSES_MAX)) {
    const { entries } = await getAll<PayoutEntry>(inLane("payouts/history", lane), { address, from });
    for (const { amount, status } of entries) if (!LOST.includes(status)) units += amount;
  }
  return { units, isPart: addresses.length > ADDRESSES_MAX };
}

/** By lane; null where the node does not tell this visitor. One after the other: nobody waits for it. */
export async function realised(lanes: readonly string[], nowSecs: number): Promise<Map<string, Realised | null>> {
  const from = Math.max(0, Math.floor(nowSecs - (await get<Status>("status")).uptime_secs));
  const paid = new Map<string, Realised | null>();
  for (const lane of lanes) {
    try {
      paid.set(lane, await paidOn(lane, from));
    } catch (error) {
      if (error instanceof Unreachable) throw error;
      paid.set(lane, null);
    }
  }
  return paid;
}
