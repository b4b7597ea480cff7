// Every miner's connection: searched, sorted, and one of them in detail.

import { useMemo, useState } from "preact/hooks";
import { getAll, type Whole } from "../api/all";
import { inLane } from "../api/lane";
import { useLoaded } from "../api/resource";
import type { Worker } from "../api/types";
import { count, hashrate, plural } from "../format/units";
import { arrange, keyOf, totals, type Sort } from "../model/workers";
import { useStatus } from "../shell/facts";
import { Card, Empty, Pending, Stat } from "../ui/parts";
import { FirstSteps } from "./first-steps";
import { WorkerPanel } from "./worker-panel";
import { WorkerTable } from "./worker-table";

const REFRESH_MS = 6_000;
/** A list of many pages is fetched less often. */
const REFRESH_MS_LARGE = 25_000;
const LARGE = 1_000;

function Counts({ workers, total }: { workers: readonly Worker[]; total: number }) {
  const { hashrate: sum, states } = totals(workers);
  return (
    <dl class="stats band">
      <Stat label="Workers" value={count(total)} />
      <Stat label="Together" value={hashrate(sum)} />
      <Stat label="Working" value={count(states.working)} />
      <Stat label="Starting" value={count(states.starting)} />
      <Stat label="Silent" value={<span class={states.silent > 0 ? "text-warn" : ""}>{count(states.silent)}</span>} />
      <Stat
        label="Much refused"
        value={<span class={states.refused > 0 ? "text-warn" : ""}>{count(states.refused)}</span>}
      />
    </dl>
  );
}

export function Workers({ open }: { open: string | null }) {
  const large = (useStatus().data.value?.miners ?? 0) > LARGE;
  const path = inLane("workers");
  const list = useLoaded<Whole<Worker>>(
    `all ${path}${large ? ", slowly" : ""}`,
    () => getAll<Worker>(path, { sort: "hashrate" }),
    {
      every: large ? REFRESH_MS_LARGE : REFRESH_MS,
      on: large ? [] : ["worker_on", "worker_off"],
    },
  );
  const whole = list.data.value;
  if (!whole)
    return (
      <Card title="Workers">
        <Pending of={list} what="workers" />
      </Card>
    );
  if (whole.entries.length === 0)
    return (
      <div class="page">
        <FirstSteps />
      </div>
    );
  return <Loaded whole={whole} open={open} />;
}

function Loaded({ whole, open }: { whole: Whole<Worker>; open: string | null }) {
  const [search, setSearch] = useState("");
  const [sort, setSort] = useState<Sort>({ key: "hashrate", descending: true });
  // Ten thousand workers take a while to sort; only what changes the order does it again.
  const rows = useMemo(() => arrange(whole.entries, search, sort), [whole, search, sort]);
  const opened = open === null ? undefined : whole.entries.find((worker) => keyOf(worker) === open);

  return (
    <div class="page">
      <Counts workers={whole.entries} total={whole.total} />
      {opened && <WorkerPanel worker={opened} />}
      {open !== null && !opened && <Empty>This worker is not connected any more.</Empty>}
      <section class="card">
        <header>
          <label class="search">
            <span class="offscreen">Search workers by name, address or software</span>
            <input
              type="search"
              value={search}
              placeholder="Search name, address, software"
              onInput={(event) => setSearch(event.currentTarget.value)}
            />
          </label>
          <div class="aside" role="status">
            {search
              ? `${count(rows.length)} of ${count(whole.entries.length)}`
              : plural(whole.entries.length, "worker")}
            {whole.total > whole.entries.length ? ` (the first of ${count(whole.total)})` : ""}
          </div>
        </header>
        {rows.length === 0 ? (
          <Empty>No worker matches this search.</Empty>
        ) : (
          <WorkerTable rows={rows} sort={sort} onSort={setSort} current={open} />
        )}
      </section>
    </div>
  );
}
