// What was decided about lanes, and what else would have been earned.

import { useRef, useState } from "preact/hooks";
import { useResource } from "../api/resource";
import type { DecisionEntry, LaneEstimate } from "../api/lane-types";
import type { List } from "../api/types";
import { name } from "../format/text";
import { moment } from "../format/time";
import { count, percent, plural } from "../format/units";
import { alternatives, basis, decisionWords, gain, modeWords, parts, stateTone } from "../model/lanes";
import { Badge, Card, Choice, Empty, Pending, Stat } from "../ui/parts";
import { Table } from "../ui/table";

/** Decisions at first, and how many more with each click. */
const SHOWN = 20;
/** The node keeps no more. */
const KEPT = 512;
/** Among how many moves are looked for: each decision holds what was seen of every lane. */
const searched = (lanes: number): number => (lanes > 8 ? 64 : KEPT);

const FILTERS = [
  { key: "all", text: "All" },
  { key: "moves", text: "Only moves" },
] as const;

function Estimates({ entry }: { entry: DecisionEntry }) {
  const { estimates = [] } = entry.decision;
  if (estimates.length === 0) return null;
  const revenue = ({ revenue_per_hash: value }: LaneEstimate) => value?.toExponential(3) ?? "–";
  return (
    <Table
      caption={`What lanes were thought to pay at decision ${entry.number}`}
      rows={estimates}
      keyOf={({ lane }) => lane}
      columns={[
        { title: "Lane", cell: ({ lane }) => name(lane) },
        { title: "By hash", number: true, cell: revenue },
        { title: "Standard error", number: true, cell: ({ standard_error_percent: error }) => percent(error) },
        { title: "Advantage", number: true, cell: ({ edge_percent }) => gain(edge_percent) },
      ]}
    />
  );
}

function Detail({ entry }: { entry: DecisionEntry }) {
  const { chosen, in_effect, counterfactual } = entry.decision;
  return (
    <>
      <dl class="facts">
        <Stat label="Miners were to be on" value={parts(chosen)} />
        <Stat label="Miners were on" value={parts(in_effect)} />
        <Stat label="Chosen for" value={modeWords(entry.mode)} hint={`${name(entry.profile)} risk`} />
        <Stat label="Decision" value={count(entry.number)} />
      </dl>
      <Estimates entry={entry} />
      {counterfactual ? (
        <>
          <h3>What would have been earned</h3>
          <dl class="facts">
            {alternatives(counterfactual).map(({ label, gain: earned, hint }) => (
              <Stat key={label} label={label} value={earned} hint={hint} />
            ))}
          </dl>
          <p class="explain">{basis(counterfactual)}</p>
        </>
      ) : (
        <p class="explain">What else would have been earned is not known yet.</p>
      )}
    </>
  );
}

function Entry({ entry }: { entry: DecisionEntry }) {
  const [open, setOpen] = useState(false);
  const earned = entry.decision.counterfactual;
  return (
    <li>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <time>{moment(entry.time)}</time> <b>{decisionWords(entry)}</b>{" "}
          <Badge tone={stateTone(entry.state)}>{name(entry.state)}</Badge>
          <span class="why">
            {entry.why}
            {earned &&
              `. So far ${gain(earned.in_effect_gain_percent)} as it was, ${gain(earned.chosen_gain_percent)} as decided.`}
          </span>
        </summary>
        {open && <Detail entry={entry} />}
      </details>
    </li>
  );
}

export function Decisions({ lanes }: { lanes: number }) {
  const [filter, setFilter] = useState<"all" | "moves">("all");
  const [shown, setShown] = useState(SHOWN);
  const moves = filter === "moves";
  const limit = moves ? searched(lanes) : shown;
  const list = useResource<List<DecisionEntry>>(`switching/decisions?limit=${limit}`, {
    every: limit > SHOWN ? 30_000 : 8_000,
    ofNode: true,
  });
  // What was shown stays until more has come.
  const shownLast = useRef(list.data.value);
  shownLast.current = list.data.value ?? shownLast.current;
  const { data, meta } = shownLast.current ?? {};
  const entries = data?.filter(({ is_move }) => is_move || !moves).slice(0, shown);
  const more = moves ? (data?.filter(({ is_move }) => is_move).length ?? 0) > shown : (meta?.total ?? 0) > shown;
  return (
    <Card
      title="Decisions"
      aside={<Choice label="Decisions shown" options={FILTERS} value={filter} onChange={setFilter} />}
    >
      {!entries ? (
        <Pending of={list} what="decisions" />
      ) : entries.length === 0 ? (
        <Empty>
          {moves && data?.length
            ? `No move among the newest ${plural(data.length, "decision")}.`
            : "Nothing was decided yet. Every decision appears here with its reason and what else would have been earned."}
        </Empty>
      ) : (
        <ol class="decisions">
          {entries.map((entry) => (
            <Entry key={entry.number} entry={entry} />
          ))}
        </ol>
      )}
      {more && (
        <button type="button" class="copy" onClick={() => setShown(Math.min(KEPT, shown + 3 * SHOWN))}>
          Show older ones
        </button>
      )}
    </Card>
  );
}
