// The share chain as a graph: kept up to date by events, and laid out for drawing.

import type { DagShare, LiveShare } from "../api/types";

/** Heights that are kept; older ones leave on the left. */
export const HEIGHTS_MAX = 60;

/** Adds a share that an event told of. A share that is known already changes nothing. */
export function withShare(shares: readonly DagShare[], live: LiveShare, time: number): DagShare[] {
  if (shares.some(({ id }) => id === live.id)) return [...shares];
  const share: DagShare = {
    id: live.id,
    parent: live.parent,
    uncles: live.uncles,
    height: live.height,
    time,
    work_hashes: live.work_hashes,
    address: live.address,
    selected: false,
    is_block: false,
  };
  return trimmed([...shares, share]);
}

/** Marks the chain that ends in `tip` as the selected one. */
export function withTip(shares: readonly DagShare[], tip: string): DagShare[] {
  const byId = new Map(shares.map((share) => [share.id, share]));
  if (!byId.has(tip)) return [...shares];
  const selected = new Set<string>();
  for (let at = byId.get(tip); at && !selected.has(at.id); at = byId.get(at.parent ?? "")) selected.add(at.id);
  // Below the oldest share of the path nothing is known to have changed.
  const lowest = Math.min(...[...selected].map((id) => byId.get(id)?.height ?? Infinity));
  return shares.map((share) => {
    const now = selected.has(share.id) || (share.height < lowest && share.selected);
    return now === share.selected ? share : { ...share, selected: now };
  });
}

/** Marks a share as a block of the parent chain. */
export function withBlock(shares: readonly DagShare[], id: string): DagShare[] {
  return shares.map((share) => (share.id === id ? { ...share, is_block: true } : share));
}

function trimmed(shares: DagShare[]): DagShare[] {
  const top = shares.reduce((height, share) => Math.max(height, share.height), 0);
  return shares.filter(({ height }) => height > top - HEIGHTS_MAX);
}

export interface DagNode {
  share: DagShare;
  x: number;
  y: number;
  radius: number;
}

export interface DagEdge {
  from: DagNode;
  to: DagNode;
  /** `parent`, or `merge` for a share that counts although it is beside the selected chain. */
  kind: "parent" | "merge";
}

export interface DagLayout {
  nodes: DagNode[];
  edges: DagEdge[];
  width: number;
  height: number;
}

const COLUMN = 26;
const LANE = 22;
const MARGIN = 20;
const RADIUS_MIN = 4;
const RADIUS_MAX = 9;
/** Lanes above and below the selected chain; what does not fit shares the outermost one. */
const LANES_MAX = 5;

/** The lane of the n-th share beside the selected chain: 1, -1, 2, -2, … */
function laneOf(index: number): number {
  const distance = Math.min(LANES_MAX, Math.floor(index / 2) + 1);
  return index % 2 === 0 ? distance : -distance;
}

/** A share's circle grows with the logarithm of its work: it may do 64 times the base. */
export function radiusOf(work: number, least: number): number {
  if (!(work > 0) || !(least > 0)) return RADIUS_MIN;
  const doublings = Math.max(0, Math.log2(work / least));
  return Math.min(RADIUS_MAX, RADIUS_MIN + doublings * 0.85);
}

/** Columns are heights, newest right; the selected chain is the middle line. */
export function layout(shares: readonly DagShare[]): DagLayout {
  if (shares.length === 0) return { nodes: [], edges: [], width: 0, height: 0 };
  const heights = shares.map(({ height }) => height);
  const [low, high] = [Math.min(...heights), Math.max(...heights)];
  const least = shares.reduce((work, share) => Math.min(work, share.work_hashes), Infinity);
  const beside = new Map<number, number>();
  const lanes = new Map<string, number>();
  for (const share of shares) {
    if (share.selected) {
      lanes.set(share.id, 0);
      continue;
    }
    const index = beside.get(share.height) ?? 0;
    beside.set(share.height, index + 1);
    lanes.set(share.id, laneOf(index));
  }
  const used = [...lanes.values()];
  const [top, bottom] = [Math.min(0, ...used), Math.max(0, ...used)];
  const nodes = shares.map((share) => ({
    share,
    x: MARGIN + (share.height - low) * COLUMN,
    y: MARGIN + ((lanes.get(share.id) ?? 0) - top) * LANE,
    radius: radiusOf(share.work_hashes, least),
  }));
  return {
    nodes,
    edges: edgesOf(nodes),
    width: 2 * MARGIN + (high - low) * COLUMN,
    height: 2 * MARGIN + (bottom - top) * LANE,
  };
}

function edgesOf(nodes: readonly DagNode[]): DagEdge[] {
  const byId = new Map(nodes.map((node) => [node.share.id, node]));
  return nodes.flatMap((from) => {
    const edge = (id: string | null, kind: DagEdge["kind"]): DagEdge[] => {
      const to = byId.get(id ?? "");
      return to ? [{ from, to, kind }] : [];
    };
    return [...edge(from.share.parent, "parent"), ...from.share.uncles.flatMap((id) => edge(id, "merge"))];
  });
}
