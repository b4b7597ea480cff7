// The table of workers. Only the rows in sight are in the page, however many there are.

import { useEffect, useRef, useState } from "preact/hooks";
import type { ComponentChildren, RefObject } from "preact";
import type { Worker } from "../api/types";
import { name } from "../format/text";
import { duration } from "../format/time";
import { count, hashrate, hashrateBand, percent } from "../format/units";
import type { Tone } from "../model/answers";
import { refusedPercent } from "../model/rejects";
import { slice, type Slice } from "../model/virtual";
import { STATE_WORDS, keyOf, workerState, type Sort, type SortKey, type WorkerState } from "../model/workers";
import { href } from "../shell/route";
import { Address, Badge } from "../ui/parts";
import { columnClass, type Column } from "../ui/table";

/** The same as in pages.css. */
const ROW_HEIGHT = 40;

export const STATE_TONES: Record<WorkerState, Tone> = {
  working: "good",
  starting: "quiet",
  silent: "warn",
  refused: "warn",
};

interface SortColumn extends Column<Worker> {
  sort?: SortKey;
}

const lastShare = (worker: Worker): ComponentChildren =>
  worker.last_share_secs === null || worker.last_share_secs === undefined
    ? "none yet"
    : `${duration(worker.last_share_secs)} ago`;

const COLUMNS: readonly SortColumn[] = [
  {
    title: "Worker",
    sort: "name",
    cell: (worker) => <a href={href("workers", keyOf(worker))}>{name(worker.worker, "unnamed")}</a>,
  },
  {
    title: "State",
    cell: (worker) => <Badge tone={STATE_TONES[workerState(worker)]}>{STATE_WORDS[workerState(worker)]}</Badge>,
    from: "tablet",
  },
  { title: "Hash rate", sort: "hashrate", number: true, cell: (worker) => hashrate(worker.hashrate) },
  {
    title: "Range",
    number: true,
    from: "wide",
    cell: (worker) => <span class="muted">{hashrateBand(worker.hashrate_low, worker.hashrate_high)}</span>,
  },
  { title: "Last share", sort: "share", number: true, cell: lastShare },
  {
    title: "Accepted",
    sort: "accepted",
    number: true,
    from: "tablet",
    cell: (worker) => count(worker.submits.accepted),
  },
  {
    title: "Refused",
    sort: "refused",
    number: true,
    from: "tablet",
    cell: (worker) => percent(refusedPercent(worker.submits)),
  },
  {
    title: "Connected",
    sort: "connected",
    number: true,
    from: "desk",
    cell: (worker) => duration(worker.connected_secs),
  },
  { title: "Pays to", from: "desk", cell: (worker) => <Address of={worker.address} /> },
];

function Heading({ column, sort, onSort }: { column: SortColumn; sort: Sort; onSort: (sort: Sort) => void }) {
  const { sort: key, title } = column;
  if (!key)
    return (
      <th scope="col" class={columnClass(column)}>
        {title}
      </th>
    );
  const active = sort.key === key;
  // Numbers are first wanted largest, names from A on, and the last share newest.
  const descending = active ? !sort.descending : key !== "name" && key !== "share";
  return (
    <th
      scope="col"
      class={columnClass(column)}
      aria-sort={active ? (sort.descending ? "descending" : "ascending") : "none"}
    >
      <button type="button" onClick={() => onSort({ key, descending })}>
        {title}
        <span aria-hidden="true">{active ? (sort.descending ? "↓" : "↑") : ""}</span>
      </button>
    </th>
  );
}

/** The rows in sight of a list that scrolls with the page. */
function useSlice(rows: number): [RefObject<HTMLTableSectionElement | null>, Slice] {
  const body = useRef<HTMLTableSectionElement>(null);
  const [view, setView] = useState({ top: 0, height: 800 });
  useEffect(() => {
    let frame = 0;
    const look = () => {
      frame = 0;
      const top = -(body.current?.getBoundingClientRect().top ?? 0);
      setView({ top, height: innerHeight });
    };
    const soon = () => {
      frame ||= requestAnimationFrame(look);
    };
    addEventListener("scroll", soon, { passive: true });
    addEventListener("resize", soon);
    look();
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener("scroll", soon);
      removeEventListener("resize", soon);
    };
  }, []);
  return [body, slice(rows, ROW_HEIGHT, view.top, view.height)];
}

interface WorkerTableProps {
  rows: readonly Worker[];
  sort: Sort;
  onSort: (sort: Sort) => void;
  current: string | null;
}

export function WorkerTable({ rows, sort, onSort, current }: WorkerTableProps) {
  const [body, { start, end, before, after }] = useSlice(rows.length);
  const gap = (height: number) =>
    height > 0 && (
      <tr class="gap" aria-hidden="true">
        <td colSpan={COLUMNS.length} style={{ height: `${height}px` }} />
      </tr>
    );
  return (
    <table class="workers" aria-rowcount={rows.length + 1}>
      <caption class="offscreen">Workers of this node</caption>
      <thead>
        <tr aria-rowindex={1}>
          {COLUMNS.map((column) => (
            <Heading key={column.title} column={column} sort={sort} onSort={onSort} />
          ))}
        </tr>
      </thead>
      <tbody ref={body}>
        {gap(before)}
        {rows.slice(start, end).map((worker, index) => (
          <tr key={keyOf(worker)} aria-rowindex={start + index + 2} class={keyOf(worker) === current ? "current" : ""}>
            {COLUMNS.map((column) => (
              <td key={column.title} class={columnClass(column)}>
                {column.cell(worker)}
              </td>
            ))}
          </tr>
        ))}
        {gap(after)}
      </tbody>
    </table>
  );
}
