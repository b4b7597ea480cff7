// The newest heights of the share chain, kept up to date by events.

import { useEffect, useState } from "preact/hooks";
import { listen } from "../api/live";
import { useResource } from "../api/resource";
import type { DagShare, LiveEvent } from "../api/types";
import { HEIGHTS_MAX, withBlock, withShare, withTip } from "../model/dag";

interface DagAnswer {
  data: DagShare[];
}

function applied(shares: readonly DagShare[], event: LiveEvent): readonly DagShare[] {
  switch (event.kind) {
    case "share":
      return withShare(shares, event.data, event.time);
    case "tip":
      return withTip(shares, event.data.id);
    case "block_found":
      return withBlock(shares, event.data.hash);
    default:
      return shares;
  }
}

/** Null until the node has answered, with why it does not. */
export function useDag(): { shares: readonly DagShare[] | null; refused: string | null } {
  // Events carry all that is drawn; the slow look only mends what was missed.
  const resource = useResource<DagAnswer>(`shares/dag?heights=${HEIGHTS_MAX}`, { every: 20_000 });
  const answer = resource.data.value;
  const [shares, setShares] = useState<readonly DagShare[] | null>(answer?.data ?? null);
  useEffect(() => setShares(answer?.data ?? null), [answer]);
  useEffect(() => listen((event) => setShares((current) => current && applied(current, event))), []);
  return { shares, refused: resource.refused.value };
}
