// The share chain: its newest heights, whose work is in the window, and single shares.

import type { DagShare, NextPayouts } from "../api/types";
import { Dag } from "../charts/dag";
import { WindowMap } from "../charts/treemap";
import { shortHash } from "../format/text";
import { ago, every } from "../format/time";
import { count, hashes, percent, plural } from "../format/units";
import { holdings } from "../model/window";
import { addresses } from "../model/workers";
import { useNextPayouts, useStatus, useTopWorkers } from "../shell/facts";
import { now } from "../shell/now";
import { href } from "../shell/route";
import { Address, Badge, Card, Empty, Meter, Pending, Stat } from "../ui/parts";
import { Table, type Column } from "../ui/table";
import { useDag } from "./dag-feed";
import { SharePanel } from "./share-panel";

/** Rows of the tables of this page: what is looked at, not the archive. */
const SHARES_SHOWN = 25;
const HOLDERS_SHOWN = 8;

function place(share: DagShare, merged: ReadonlySet<string>) {
  if (share.is_block) return <Badge tone="good">block</Badge>;
  if (share.selected) return <Badge tone="quiet">in the chain</Badge>;
  return merged.has(share.id) ? (
    <Badge tone="quiet">merged, counts in full</Badge>
  ) : (
    <Badge tone="warn">not merged yet</Badge>
  );
}

function sharesColumns(merged: ReadonlySet<string>, nowSecs: number): Column<DagShare>[] {
  return [
    {
      title: "Share",
      cell: ({ id }) => (
        <a class="mono" href={href("chain", id)}>
          {shortHash(id)}
        </a>
      ),
    },
    { title: "Height", number: true, cell: ({ height }) => count(height) },
    { title: "Place", cell: (share) => place(share, merged) },
    { title: "Merges", number: true, from: "tablet", cell: ({ uncles }) => count(uncles.length) },
    { title: "Work", number: true, from: "tablet", cell: ({ work_hashes }) => hashes(work_hashes) },
    { title: "Paid to", from: "tablet", cell: ({ address }) => <Address of={address} /> },
    { title: "Time", number: true, from: "desk", cell: ({ time }) => ago(time, nowSecs) },
  ];
}

function WindowCard({ next, own }: { next: NextPayouts; own: ReadonlySet<string> }) {
  const whole = { work: next.window_work, addresses: next.weights_total ?? next.weights.length };
  const top = holdings(next.weights, whole, HOLDERS_SHOWN).filter(({ label }) => label !== null);
  return (
    <Card title="Whose work the next block pays" aside={`${plural(whole.addresses, "address", "addresses")}`}>
      <p class="explain">
        The window: {plural(next.window_shares, "share")}, {hashes(next.window_work)} of work. An area is a part of the
        next block's payout.
      </p>
      {next.weights.length === 0 ? (
        <Empty>The window is empty: whoever finds the next block gets all of it.</Empty>
      ) : null}
      {top.length > 0 && (
        <div class="split uneven">
          <WindowMap weights={next.weights} whole={whole} own={own} />
          <Table
            caption="Largest parts of the window"
            rows={top}
            keyOf={({ label }) => label ?? ""}
            columns={[
              { title: "Address", cell: ({ label }) => <Address of={label} /> },
              { title: "Part", number: true, cell: ({ percent: part }) => percent(part) },
              {
                title: "Part as a bar",
                unseen: true,
                from: "tablet",
                cell: ({ percent: part }) => <Meter percent={part} />,
              },
              { title: "Work", number: true, cell: ({ work }) => hashes(work) },
            ]}
          />
        </div>
      )}
    </Card>
  );
}

export function Chain({ open }: { open: string | null }) {
  const status = useStatus().data.value;
  const next = useNextPayouts();
  const own = new Set(addresses(useTopWorkers().data.value?.data ?? []));
  const { shares, refused } = useDag();
  const merged = new Set(shares?.flatMap(({ uncles }) => uncles) ?? []);
  const newest = [...(shares ?? [])].sort((a, b) => b.height - a.height || b.time - a.time).slice(0, SHARES_SHOWN);
  const go = (id: string) => {
    location.hash = href("chain", id);
  };

  return (
    <div class="page">
      <dl class="stats band">
        <Stat label="Height" value={count(status?.share_height)} />
        <Stat label="Shares in the window" value={count(status?.window_shares)} />
        <Stat label="Work of a base share" value={hashes(status?.base_work)} />
        <Stat label="Wanted pace" value={status ? `a share ${every(status.share_interval_ms / 1000)}` : "–"} />
      </dl>
      <Card title="Newest heights" aside="click a share">
        {shares === null ? (
          <Empty>{refused ? `This node does not show its share chain: ${refused}` : "Asking for shares…"}</Empty>
        ) : shares.length === 0 ? (
          <Empty>There is no share yet. The first one starts the chain.</Empty>
        ) : (
          <Dag shares={shares} own={own} current={open} onOpen={go} />
        )}
        <ul class="legend">
          <li>
            <i class="line main" aria-hidden="true" />
            selected chain
          </li>
          <li>
            <i class="line merge" aria-hidden="true" />
            merges, pays in full
          </li>
          <li>
            <i class="ring own" aria-hidden="true" />
            of this node's miners
          </li>
          <li>
            <i class="square" aria-hidden="true" />
            block
          </li>
        </ul>
      </Card>
      {open !== null && <SharePanel id={open} />}
      {next.data.value ? (
        <WindowCard next={next.data.value} own={own} />
      ) : (
        <Card title="Whose work the next block pays">
          <Pending of={next} what="the window" />
        </Card>
      )}
      {newest.length > 0 && (
        <Card title="Newest shares">
          <Table
            caption="Newest shares"
            rows={newest}
            keyOf={({ id }) => id}
            columns={sharesColumns(merged, now.value)}
            current={open}
          />
        </Card>
      )}
    </div>
  );
}
