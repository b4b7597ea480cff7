// Which lane miners are on, why, what comes next, and what each lane earned.

import { useState } from "preact/hooks";
import { useResource } from "../api/resource";
import type { LaneChoice, Switching } from "../api/lane-types";
import { amount } from "../format/coins";
import { name } from "../format/text";
import { timeOfDay } from "../format/time";
import { count, hashrate, percent } from "../format/units";
import { healthTone, inOrder, modeWords, nextAction, revenue, stateTone, stateWords, trouble } from "../model/lanes";
import { now } from "../shell/now";
import { href } from "../shell/route";
import { Badge, Card, Copy, Dot, Empty, Pending, Stat } from "../ui/parts";
import { Table, type Column } from "../ui/table";
import { Decisions } from "./decisions";

/** Rows at first: those with miners and those that are not well come before the rest. */
const SHOWN = 12;
/** As the node counts what its work should have earned, whatever the coin. */
const DECIMALS = 8;

const units = (value: number | undefined, { coin }: LaneChoice): string =>
  amount(value, { name: coin, symbol: name(coin), decimals: DECIMALS });

function Next({ of }: { of: Switching }) {
  const { tone, headline, detail } = nextAction(of, now.value);
  return (
    <Card title="What happens next" kind="panel" aside={<Badge tone={stateTone(of.state)}>{name(of.state)}</Badge>}>
      <p class="figure text">
        <Dot tone={tone} /> {headline}
      </p>
      <p class="explain">{detail}</p>
      <p class="explain">
        <strong>{name(of.state)}.</strong> {stateWords(of.state)}
      </p>
      <dl class="facts">
        <Stat label="Last decision" value={of.why ?? "none yet"} />
        <Stat label="Chosen for" value={modeWords(of.mode)} hint={`${name(of.profile)} risk`} />
        <Stat label="Next look" value={timeOfDay(of.next_tick)} />
        <Stat label="Next move for profit" value={timeOfDay(of.next_move)} hint="at the earliest" />
      </dl>
    </Card>
  );
}

function Health({ lane }: { lane: LaneChoice }) {
  return (
    <>
      <Badge tone={healthTone(lane)}>{lane.is_out ? "left" : name(lane.health)}</Badge>
      {(lane.problem ?? lane.is_out) && <small class="why">{lane.problem ?? "not well for long enough yet"}</small>}
    </>
  );
}

function Revenue({ lane, lanes }: { lane: LaneChoice; lanes: readonly LaneChoice[] }) {
  const known = revenue(lane, lanes);
  if (!known) return <>{lane.coins_per_hash === null || healthTone(lane) === "bad" ? "–" : "no price"}</>;
  return (
    <>
      {known.aDay ?? known.beside}
      <small class="why">
        {known.aDay && `${known.beside}, `}
        {known.error}
      </small>
    </>
  );
}

function Paid({ lane }: { lane: LaneChoice }) {
  return (
    <>
      {units(lane.paid_units, lane)}
      <small class="why">
        {lane.estimated_units > 0 && `${percent((100 * lane.paid_units) / lane.estimated_units)} of it`}
      </small>
    </>
  );
}

function LaneTable({ lanes }: { lanes: readonly LaneChoice[] }) {
  const [all, setAll] = useState(false);
  const columns: Column<LaneChoice>[] = [
    { title: "Lane", cell: (lane) => <a href={href("overview", null, lane.name)}>{name(lane.name)}</a> },
    { title: "Coin", from: "desk", cell: ({ coin }) => name(coin) },
    { title: "Health", cell: (lane) => <Health lane={lane} /> },
    { title: "Miners", number: true, cell: (lane) => percent(lane.weight_percent) },
    { title: "Wanted", number: true, from: "tablet", cell: (lane) => percent(lane.wanted_percent) },
    { title: "Workers", number: true, from: "desk", cell: ({ workers }) => count(workers) },
    { title: "Hash rate", number: true, from: "tablet", cell: (lane) => hashrate(lane.hashrate) },
    { title: "Earns a day", number: true, cell: (lane) => <Revenue lane={lane} lanes={lanes} /> },
    {
      title: "Should have earned",
      number: true,
      from: "tablet",
      cell: (lane) => units(lane.estimated_units, lane),
    },
    {
      title: "Was paid",
      number: true,
      from: "tablet",
      cell: (lane) => <Paid lane={lane} />,
    },
  ];
  return (
    <Card title="Lanes" aside={trouble(lanes)}>
      <Table
        caption="Lanes, those with miners first"
        rows={inOrder(lanes).slice(0, all ? undefined : SHOWN)}
        keyOf={(lane) => lane.name}
        columns={columns}
      />
      {!all && lanes.length > SHOWN && (
        <button type="button" class="copy" onClick={() => setAll(true)}>
          Show all {count(lanes.length)}
        </button>
      )}
      <p class="explain">
        “Earns a day” is what all miners of this node would earn there, with the standard error. “Should have earned” is
        what this node's work was worth in the mean since it was started, “was paid” what blocks paid since then to the
        addresses that its shares name. Over hours they differ by luck.
      </p>
    </Card>
  );
}

const ORDERS = [
  ["All miners to one lane, until you release it", 'poolnode lanes switch LANE --reason "WHY"'],
  ["Let the node choose again", "poolnode lanes release"],
  ["Let decisions move miners; or only write them down; or pause", "poolnode lanes state live|dry-run|paused"],
] as const;

function ByHand() {
  return (
    <Card title="By hand">
      <p class="explain">This page only shows. On the node's machine:</p>
      <dl class="failovers">
        {ORDERS.map(([what, command]) => (
          <Stat
            key={command}
            label={what}
            value={
              <span class="copyline">
                <code>{command}</code>
                <Copy text={command} what={command} />
              </span>
            }
          />
        ))}
      </dl>
    </Card>
  );
}

export function Lanes() {
  const resource = useResource<Switching>("switching", { every: 5_000, ofNode: true, on: ["worker_on", "worker_off"] });
  const of = resource.data.value;
  if (!of)
    return (
      <Card title="Lanes">
        <Pending of={resource} what="lanes" />
      </Card>
    );
  if (of.lanes.length < 2)
    return (
      <Card title="Lanes">
        <Empty>
          This node has one lane{of.lanes[0] ? `, ${name(of.lanes[0].name)}` : ""}: all miners are on it, and there is
          nothing to choose. A <code>[[lane]]</code> in the configuration adds another.
        </Empty>
      </Card>
    );
  return (
    <div class="page">
      <Next of={of} />
      <LaneTable lanes={of.lanes} />
      {of.advice.length > 0 && (
        <Card title="What you can do">
          <ul class="findings">
            {of.advice.map((text) => (
              <li key={text} class="finding">
                {text}
              </li>
            ))}
          </ul>
        </Card>
      )}
      <Decisions lanes={of.lanes.length} />
      <ByHand />
    </div>
  );
}
