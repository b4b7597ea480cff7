// Whose work is in the window, as areas.

import type { Weight } from "../api/types";
import { hue, short } from "../format/text";
import { count, hashes, percent } from "../format/units";
import { treemap } from "../model/treemap";
import { holdings, type Holding, type Whole } from "../model/window";
import { useWidth } from "./size";

const HEIGHT = 320;
/** Areas that are drawn one by one; more would be specks. */
const AREAS_MAX = 48;
/** Space that a label needs, pixels. */
const LABEL = { width: 92, height: 38 };

const nameOf = ({ label, miners }: Holding): string => (label === null ? `${count(miners)} more` : short(label, 5, 4));

interface WindowMapProps {
  weights: readonly Weight[];
  whole: Whole;
  own: ReadonlySet<string>;
}

export function WindowMap({ weights, whole, own }: WindowMapProps) {
  const [box, width] = useWidth<HTMLDivElement>();
  const all = holdings(weights, whole, AREAS_MAX);
  const rects = treemap(
    all.map(({ work }) => work),
    width,
    HEIGHT,
  );
  const text = `Window by address. ${all
    .slice(0, 5)
    .map((holding) => `${nameOf(holding)}: ${percent(holding.percent)}`)
    .join(", ")}.`;
  return (
    <div ref={box} class="treemap">
      <svg width={width} height={HEIGHT} role="img" aria-label={text}>
        {rects.map((rect, index) => {
          const holding = all[index];
          if (!holding) return null;
          const { label } = holding;
          const fill = label === null ? "var(--raised)" : `oklch(var(--area-light) 0.075 ${hue(label)})`;
          const roomy = rect.width > LABEL.width && rect.height > LABEL.height;
          return (
            <g key={`${index}${label ?? ""}`} class={label !== null && own.has(label) ? "own" : ""}>
              <title>{`${label ?? nameOf(holding)}: ${percent(holding.percent)}, ${hashes(holding.work)}`}</title>
              <rect
                x={rect.x + 1}
                y={rect.y + 1}
                width={Math.max(0, rect.width - 2)}
                height={Math.max(0, rect.height - 2)}
                rx="3"
                style={{ fill }}
              />
              {roomy && (
                <text x={rect.x + 9} y={rect.y + 18}>
                  {nameOf(holding)}
                  <tspan x={rect.x + 9} dy="15" class="value">
                    {percent(holding.percent)}
                  </tspan>
                </text>
              )}
            </g>
          );
        })}
      </svg>
    </div>
  );
}
