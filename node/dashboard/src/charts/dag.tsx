// The share chain as a picture: the selected chain is the middle line, merged shares hang above and below it.

import { useEffect, useRef } from "preact/hooks";
import type { DagShare } from "../api/types";
import { hue, shortHash } from "../format/text";
import { hashes, plural } from "../format/units";
import { layout, type DagEdge, type DagNode } from "../model/dag";

function curve({ from, to }: DagEdge): string {
  if (from.y === to.y) return `M${from.x} ${from.y}H${to.x}`;
  const middle = (from.x + to.x) / 2;
  return `M${from.x} ${from.y}C${middle} ${from.y} ${middle} ${to.y} ${to.x} ${to.y}`;
}

function title({ share }: DagNode): string {
  const part = share.selected ? "in the chain" : "beside the chain";
  return `Share ${shortHash(share.id)}, height ${share.height}, ${hashes(share.work_hashes)}, ${part}${share.is_block ? ", a block" : ""}`;
}

function Mark({
  node,
  current,
  own,
  onOpen,
}: {
  node: DagNode;
  current: boolean;
  own: boolean;
  onOpen: (id: string) => void;
}) {
  const { share, x, y, radius } = node;
  const fill = { fill: `oklch(var(--hue-light) 0.13 ${hue(share.address)})` };
  const kind = `share${share.selected ? " selected" : ""}${own ? " own" : ""}${current ? " current" : ""}`;
  return (
    <g class={kind} onClick={() => onOpen(share.id)}>
      <title>{title(node)}</title>
      {share.is_block && (
        <rect
          class="block"
          x={x - radius - 4}
          y={y - radius - 4}
          width={2 * radius + 8}
          height={2 * radius + 8}
          rx="3"
        />
      )}
      <circle cx={x} cy={y} r={radius} style={fill} />
    </g>
  );
}

interface DagProps {
  shares: readonly DagShare[];
  /** Payout addresses of this node's miners. */
  own: ReadonlySet<string>;
  current: string | null;
  onOpen: (id: string) => void;
}

export function Dag({ shares, own, current, onOpen }: DagProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const { nodes, edges, width, height } = layout(shares);
  const newest = shares.reduce((top, share) => Math.max(top, share.height), 0);
  // The newest share stays in sight, unless the visitor has scrolled back.
  const following = useRef(true);
  useEffect(() => {
    const view = scroller.current;
    if (view && following.current) view.scrollLeft = view.scrollWidth;
  }, [newest, width]);
  const onScroll = () => {
    const view = scroller.current;
    if (view) following.current = view.scrollLeft + view.clientWidth > view.scrollWidth - 60;
  };
  const beside = shares.filter(({ selected }) => !selected).length;
  const text = `Share chain up to height ${newest}: ${plural(shares.length, "share")}, of them ${beside} beside the selected chain. The table below lists them.`;
  return (
    <div
      class="dag"
      ref={scroller}
      onScroll={onScroll}
      tabIndex={0}
      role="region"
      aria-label="Share chain, scrolls sideways"
    >
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={text}>
        {edges.map((edge) => (
          <path
            key={`${edge.from.share.id}${edge.to.share.id}`}
            class={`edge ${edge.kind}${edge.from.share.selected && edge.to.share.selected ? " main" : ""}`}
            d={curve(edge)}
          />
        ))}
        {nodes.map((node) => (
          <Mark
            key={node.share.id}
            node={node}
            current={node.share.id === current}
            own={node.share.address !== null && own.has(node.share.address)}
            onOpen={onOpen}
          />
        ))}
      </svg>
    </div>
  );
}
