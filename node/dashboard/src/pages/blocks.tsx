// Blocks that the pool found, what they paid and the proof of it, and what the next one would pay.

import { useState } from "preact/hooks";
import { useResource } from "../api/resource";
import type { Block, List, NextPayouts, Payout } from "../api/types";
import { amount, amountCell } from "../format/coins";
import { ago, moment } from "../format/time";
import { count, hashes, percent } from "../format/units";
import { effortSentence } from "../model/chance";
import { ASK_ADDRESS, payAnswer } from "../model/answers";
import { blockState, meanEffort } from "../model/blocks";
import { useCoin, useMiner, useNextPayouts, useStatus } from "../shell/facts";
import { now } from "../shell/now";
import { href } from "../shell/route";
import { Address, Badge, Card, Empty, Meter, Pending, Stat } from "../ui/parts";
import { Table, type Column } from "../ui/table";
import { AuditPanel } from "./audit-panel";
import { Whose, useMe, type Me } from "./whose";

/** Outputs of the next block that are listed; a search finds the others. */
const OUTPUTS_SHOWN = 12;

function BlockTable({ blocks, open }: { blocks: readonly Block[]; open: string | null }) {
  const coin = useCoin();
  const columns: Column<Block>[] = [
    {
      title: "Block",
      cell: ({ hash, height }) => (
        <a href={href("blocks", hash)} title={hash}>
          {count(height)}
        </a>
      ),
    },
    { title: "State", cell: ({ status }) => <Badge tone={blockState(status).tone}>{blockState(status).words}</Badge> },
    {
      title: "On top",
      number: true,
      from: "tablet",
      cell: ({ confirmations }) => count(confirmations !== null && confirmations >= 0 ? confirmations : null),
    },
    { title: "Paid out", number: true, cell: ({ coinbase_value }) => amountCell(coinbase_value, coin) },
    { title: "Outputs", number: true, from: "desk", cell: ({ payouts_count }) => count(payouts_count) },
    { title: "Effort", number: true, from: "tablet", cell: ({ effort_percent }) => percent(effort_percent) },
    { title: "Found by", from: "desk", cell: ({ own }) => (own ? "this node's miner" : "the pool") },
    {
      title: "When",
      number: true,
      from: "tablet",
      cell: ({ found_at }) => <time title={moment(found_at)}>{ago(found_at, now.value)}</time>,
    },
    { title: "Proof", from: "tablet", cell: ({ hash }) => <a href={href("blocks", hash)}>check</a> },
  ];
  return (
    <Table
      caption="Blocks of the pool, newest first"
      rows={blocks}
      keyOf={({ hash }) => hash}
      columns={columns}
      current={open}
    />
  );
}

function NextBlock({ next }: { next: NextPayouts }) {
  const coin = useCoin();
  const [search, setSearch] = useState("");
  const wanted = search.trim().toLowerCase();
  const all = [...next.payouts].sort((a, b) => b.amount - a.amount);
  const found = wanted ? all.filter(({ address, script }) => (address ?? script).toLowerCase().includes(wanted)) : all;
  const sum = all.reduce((total, payout) => total + payout.amount, 0);
  const part = (payout: Payout) => (sum > 0 ? (100 * payout.amount) / sum : 0);
  return (
    <Card title="What the next block pays" aside={amount(next.coinbase_value, coin)}>
      {all.length === 0 ? (
        <Empty>
          {next.coinbase_value === null
            ? "There is no work from the coin daemon yet."
            : "Nobody has work in the window yet: the finder gets all of it."}
        </Empty>
      ) : (
        <>
          <label class="search">
            <span class="offscreen">Search for an address</span>
            <input
              type="search"
              placeholder="Search an address"
              value={search}
              onInput={(event) => setSearch(event.currentTarget.value)}
            />
          </label>
          <Table
            caption="Outputs of the next block"
            rows={found.slice(0, OUTPUTS_SHOWN)}
            keyOf={({ script }) => script}
            columns={[
              { title: "Address", cell: ({ address, script }) => <Address of={address ?? script} /> },
              { title: "Amount", number: true, cell: (payout) => amountCell(payout.amount, coin) },
              { title: "Part", number: true, from: "tablet", cell: (payout) => percent(part(payout)) },
              {
                title: "Part as a bar",
                unseen: true,
                from: "tablet",
                cell: (payout) => <Meter percent={part(payout)} />,
              },
            ]}
          />
          {found.length === 0 && <Empty>No output goes to such an address.</Empty>}
          {found.length > OUTPUTS_SHOWN && (
            <p class="explain">{count(found.length - OUTPUTS_SHOWN)} more; search for yours.</p>
          )}
        </>
      )}
    </Card>
  );
}

function PaidCard({ address }: { address: string }) {
  const coin = useCoin();
  const paid = useMiner(address);
  const entries = paid.data.value?.payouts;
  return (
    <Card title="Paid so far" aside={<Address of={address} />}>
      {!entries ? (
        <Pending of={paid} what="payouts" />
      ) : entries.length === 0 ? (
        <Empty>No block has paid this address yet. Each one that does appears here with its proof.</Empty>
      ) : (
        <Table
          caption="Payouts to the chosen address, newest first"
          rows={entries}
          keyOf={({ block }) => block}
          columns={[
            { title: "Block", cell: ({ block, height }) => <a href={href("blocks", block)}>{count(height)}</a> },
            { title: "Amount", number: true, cell: (entry) => amountCell(entry.amount, coin) },
            {
              title: "State",
              from: "tablet",
              cell: ({ status }) => <Badge tone={blockState(status).tone}>{blockState(status).words}</Badge>,
            },
            {
              title: "When",
              number: true,
              cell: ({ time }) => <time title={moment(time)}>{ago(time, now.value)}</time>,
            },
          ]}
        />
      )}
    </Card>
  );
}

function Prospect({ me }: { me: Me }) {
  const { address } = me;
  const coin = useCoin();
  const status = useStatus().data.value;
  const resource = useMiner(address);
  const miner = resource.data.value;
  const answer = me.hidden && address === null ? ASK_ADDRESS : payAnswer(miner, coin);
  return (
    <Card title="When am I paid?" aside={address !== null && <Address of={address} />}>
      <Whose me={me} />
      <p class="figure text">{answer.headline}</p>
      <p class="explain">{answer.detail}</p>
      <dl class="facts">
        <Stat label="Chance within 24 h" value={percent(miner?.payout_24h_chance_percent)} />
        <Stat
          label="Your part of the window"
          value={percent(miner?.window_share_percent)}
          hint={miner ? hashes(miner.window_work_hashes) : undefined}
        />
        <Stat label="This round" value={percent(status?.round?.effort_percent)} hint="effort" />
      </dl>
      <p class="explain muted">{effortSentence(status?.round?.effort_percent, status?.round?.percentile)}</p>
    </Card>
  );
}

export function Blocks({ open }: { open: string | null }) {
  const blocks = useResource<List<Block>>("blocks?limit=100", {
    every: 15_000,
    on: ["block_found", "block_confirmed", "block_orphaned"],
  });
  const next = useNextPayouts();
  const me = useMe();
  const { address } = me;
  const list = blocks.data.value?.data;
  const opened = list?.find(({ hash }) => hash === open) ?? null;
  return (
    <div class="page">
      {open !== null && <AuditPanel hash={open} block={opened} />}
      <div class="columns two">
        <div class="stack">
          <Prospect me={me} />
          {next.data.value ? (
            <NextBlock next={next.data.value} />
          ) : (
            <Card title="What the next block pays">
              <Pending of={next} what="the next payouts" />
            </Card>
          )}
        </div>
        {address !== null ? (
          <PaidCard address={address} />
        ) : (
          <Card title="Paid so far">
            <Empty>Payouts to your miners appear here.</Empty>
          </Card>
        )}
      </div>
      <Card title="Blocks" aside={list && list.length > 0 ? `mean effort ${percent(meanEffort(list))}` : undefined}>
        {!list ? (
          <Pending of={blocks} what="blocks" />
        ) : list.length === 0 ? (
          <Empty>The pool has not found a block yet. The first one appears here with its payouts.</Empty>
        ) : (
          <BlockTable blocks={list} open={open} />
        )}
      </Card>
    </div>
  );
}
