// Hash rate over time, with the band that chance explains.

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import type { HashrateHistory } from "../api/types";
import { moment } from "../format/time";
import { hashrate } from "../format/units";
import { series, summary, type Series } from "../model/history";
import { colour, themeEpoch } from "../shell/theme";
import { Empty } from "../ui/parts";
import { useWidth } from "./size";

const HEIGHT = 264;
const AXIS_FONT = '11px -apple-system, "Segoe UI", Inter, Roboto, "Noto Sans", system-ui, sans-serif';

const columns = ({ times, rates, lows, highs }: Series): uPlot.AlignedData => [times, rates, lows, highs];

/** Dates and times the same in every locale. Each line: smallest step in seconds, text, and what is added where the year, the
    month or the day changes. */
const TIMES: uPlot.Axis.Values = [
  [31_536_000, "{YYYY}", null, null, null, null, null, null, 1],
  [86_400, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
];

function options(width: number): uPlot.Options {
  const [line, band, grid, text] = [colour("--accent"), colour("--accent-band"), colour("--line"), colour("--muted")];
  const axis: uPlot.Axis = { stroke: text, font: AXIS_FONT, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
  return {
    width,
    height: HEIGHT,
    padding: [8, 4, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 7 } },
    scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.08 : 1] } },
    axes: [
      { ...axis, grid: { show: false }, space: 70, values: TIMES },
      { ...axis, size: 74, values: (_, ticks) => ticks.map((tick) => hashrate(tick)) },
    ],
    series: [
      {},
      { stroke: line, width: 2, points: { show: false } },
      { stroke: "transparent", points: { show: false } },
      { stroke: "transparent", points: { show: false } },
    ],
    bands: [{ series: [3, 2], fill: band }],
  };
}

/** What the chart says in words. */
function chartText(rates: readonly (number | null)[]): string {
  const found = summary(rates);
  if (!found) return "No hash rate was recorded in this time.";
  return `Hash rate: ${hashrate(found.mean)} on average, between ${hashrate(found.least)} and ${hashrate(found.most)}.`;
}

export function HashrateChart({ history }: { history: HashrateHistory }) {
  const [box, width] = useWidth<HTMLDivElement>();
  const [pointed, setPointed] = useState<string | null>(null);
  const plot = useRef<uPlot | null>(null);
  const epoch = themeEpoch.value;
  const shown = series(history, Date.now() / 1000);
  const newest = useRef(shown);
  newest.current = shown;
  // One point is no line, and an axis around it would span years.
  const empty = shown.rates.filter((rate) => rate !== null).length < 2;
  const text = chartText(shown.rates);

  useEffect(() => {
    if (!box.current || width < 40 || empty) return;
    const say = (chart: uPlot) => {
      const at = chart.cursor.idx;
      if (at === null || at === undefined) return setPointed(null);
      const [rate, low, high] = [1, 2, 3].map((index) => hashrate(chart.data[index]?.[at]));
      setPointed(`${moment(chart.data[0][at]).slice(0, -3)}: ${rate}, within ${low} and ${high} by chance`);
    };
    const made = new uPlot({ ...options(width), hooks: { setCursor: [say] } }, columns(newest.current), box.current);
    plot.current = made;
    return () => {
      made.destroy();
      plot.current = null;
    };
  }, [width, epoch, empty]);

  useEffect(() => plot.current?.setData(columns(newest.current)), [history]);

  return (
    <figure class="chart">
      {empty && <Empty>Nothing to draw yet: the line begins with the second point in time.</Empty>}
      <div ref={box} role="img" aria-label={text} class={empty ? "" : "plot"} />
      {!empty && <figcaption class="readout">{pointed ?? text}</figcaption>}
    </figure>
  );
}
