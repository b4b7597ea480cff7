// The pool's heartbeat: the newest shares as bars, own ones in the accent colour.

import type { DagShare } from "../api/types";
import { plural } from "../format/units";

const BARS_MAX = 72;
const HEIGHT = 34;
const STEP = 6;

interface PulseProps {
  shares: readonly DagShare[];
  own: ReadonlySet<string>;
}

export function Pulse({ shares, own }: PulseProps) {
  const shown = [...shares].sort((a, b) => a.time - b.time || a.height - b.height).slice(-BARS_MAX);
  const most = shown.reduce((work, share) => Math.max(work, share.work_hashes), 0);
  const mine = shown.filter(({ address }) => address !== null && own.has(address)).length;
  const width = BARS_MAX * STEP;
  return (
    <svg
      class="pulse"
      viewBox={`0 0 ${width} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`The newest ${plural(shown.length, "share")} of the pool; ${mine} by miners of this node.`}
    >
      {shown.map((share, index) => {
        // A logarithm: the largest miner's shares weigh 64 times the smallest.
        const part = most > 0 ? Math.log2(1 + (63 * share.work_hashes) / most) / 6 : 0;
        const height = 5 + part * (HEIGHT - 5);
        const kind = share.is_block
          ? "block"
          : share.address !== null && own.has(share.address)
            ? "own"
            : share.selected
              ? ""
              : "uncle";
        return (
          <rect
            key={share.id}
            class={kind}
            x={(BARS_MAX - shown.length + index) * STEP}
            y={HEIGHT - height}
            width={STEP - 2}
            height={height}
            rx="1.5"
          />
        );
      })}
    </svg>
  );
}
