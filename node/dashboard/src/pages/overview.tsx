// The four questions everybody comes with, then the numbers behind them.

import { useState } from "preact/hooks";
import { lastEventTime, recentEvents } from "../api/live";
import { useResource } from "../api/resource";
import type { HashrateHistory, Status } from "../api/types";
import { HashrateChart } from "../charts/hashrate";
import { Pulse } from "../charts/pulse";
import { timeOfDay } from "../format/time";
import { count, difficulty, hashes, hashrate, hashrateBand, known, percent } from "../format/units";
import { effortSentence } from "../model/chance";
import { sayEvent } from "../model/events";
import {
  ASK_ADDRESS,
  WAITING,
  healthAnswer,
  miningAnswer,
  payAnswer,
  peersAnswer,
  type Answer,
} from "../model/answers";
import { useCoin, useHealth, useMiner, useNetwork, usePeers, useStatus } from "../shell/facts";
import { href, type Page } from "../shell/route";
import { Icon } from "../ui/icon";
import { Card, Choice, Dot, Empty, Meter, Pending, Stat } from "../ui/parts";
import { FirstSteps } from "./first-steps";
import { useDag } from "./dag-feed";
import { Whose, useMe } from "./whose";

function Question({ asked, answer, to }: { asked: string; answer: Answer; to: Page }) {
  return (
    <li class={`answer ${answer.tone}`}>
      <h2>
        <Dot tone={answer.tone} />
        {asked}
      </h2>
      <p class="headline">{answer.headline}</p>
      <p class="detail">{answer.detail}</p>
      <a href={href(to)} aria-label={`More: ${asked}`}>
        <Icon name="go" />
      </a>
    </li>
  );
}

const RANGES = [
  { key: "1m", text: "3 h", points: 180 },
  { key: "1h", text: "7 d", points: 168 },
  { key: "1d", text: "1 y", points: 365 },
] as const;
type Step = (typeof RANGES)[number]["key"];

function HashrateCard({ status }: { status: Status | null }) {
  const [step, setStep] = useState<Step>("1m");
  const points = RANGES.find(({ key }) => key === step)?.points ?? 180;
  const history = useResource<HashrateHistory>(`history/hashrate?step=${step}&points=${points}`, { every: 15_000 });
  const pool = status?.pool_hashrate;
  const own = status?.hashrate_band;
  return (
    <Card
      title="Hash rate"
      kind="wide"
      aside={<Choice label="Time shown" options={RANGES} value={step} onChange={setStep} />}
    >
      <dl class="stats">
        <Stat
          label="This node"
          value={hashrate(status?.hashrate)}
          hint={own ? hashrateBand(own.low, own.high) : undefined}
        />
        <Stat
          label="Whole pool"
          value={hashrate(pool?.hashes_per_sec)}
          hint={pool ? hashrateBand(pool.low, pool.high) : "too few shares yet"}
        />
        <Stat
          label="This node's part"
          value={percent(
            known(pool?.hashes_per_sec) && pool.hashes_per_sec > 0 && status
              ? Math.min(100, (100 * status.hashrate) / pool.hashes_per_sec)
              : null,
          )}
        />
      </dl>
      {history.data.value ? (
        <HashrateChart history={history.data.value} />
      ) : (
        <Pending of={history} what="past hash rates" />
      )}
    </Card>
  );
}

function RoundCard({ status }: { status: Status | null }) {
  const round = status?.round;
  const effort = round?.effort_percent;
  const late = known(effort) && effort > 100;
  return (
    <Card title="This round">
      {known(effort) && (
        <>
          <p class="figure">
            {percent(effort)}
            <small>of the expected work for a block</small>
          </p>
          <Meter percent={round?.percentile ?? 0} tone={late ? "warn" : "good"} />
        </>
      )}
      <p class="explain">{effortSentence(effort, round?.percentile)}</p>
      <dl class="facts">
        <Stat label="Work done" value={hashes(round?.work_hashes)} />
        <Stat label="Expected for a block" value={hashes(round?.expected_hashes ?? status?.parent_hashes_per_block)} />
        <Stat label="Network difficulty" value={difficulty(status?.network_difficulty)} />
        <Stat label="Blocks found by the pool" value={count(status?.blocks_found)} />
      </dl>
    </Card>
  );
}

function Activity() {
  const coin = useCoin();
  const lines = recentEvents.value.flatMap((event) => {
    const said = sayEvent(event, coin);
    return said ? [{ ...said, id: event.id, time: event.time }] : [];
  });
  return (
    <Card title="Activity">
      {lines.length === 0 ? (
        <Empty>Nothing has happened since you opened this page. Blocks, payouts, workers and peers appear here.</Empty>
      ) : (
        <ol class="activity">
          {lines.slice(0, 9).map(({ id, time, tone, text }) => (
            <li key={id}>
              <time>{timeOfDay(time)}</time>
              <Dot tone={tone} />
              <span>{text}</span>
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}

export function Overview() {
  const status = useStatus().data.value;
  const health = useHealth().data.value;
  const me = useMe();
  const { workers } = me;
  const peers = usePeers().data.value?.data ?? [];
  const network = useNetwork().data.value;
  const coin = useCoin();
  const miner = useMiner(me.address).data.value;
  const { shares } = useDag();
  const idle = status !== null && status.miners === 0 && workers.length === 0;

  return (
    <div class="page overview">
      <ul class="answers">
        <Question asked="Is my miner working?" to="workers" answer={status ? miningAnswer(status, workers) : WAITING} />
        <Question
          asked="When am I paid?"
          to="blocks"
          answer={status ? (me.hidden && me.address === null ? ASK_ADDRESS : payAnswer(miner, coin)) : WAITING}
        />
        <Question asked="Is the node healthy?" to="health" answer={status ? healthAnswer(status, health) : WAITING} />
        <Question
          asked="Whom am I connected to?"
          to="peers"
          answer={status ? peersAnswer(status, peers, network) : WAITING}
        />
      </ul>
      <Whose me={me} />
      {idle && <FirstSteps />}
      <section class="card strip" aria-label="Newest shares">
        <h2>
          Newest shares
          <small>{lastEventTime.value === null ? "" : `last event ${timeOfDay(lastEventTime.value)}`}</small>
        </h2>
        {shares && shares.length > 0 ? (
          <Pulse shares={shares} own={new Set(me.here)} />
        ) : (
          <Empty>The first shares of the pool appear here.</Empty>
        )}
      </section>
      <div class="columns">
        <HashrateCard status={status} />
        <RoundCard status={status} />
        <Activity />
      </div>
    </div>
  );
}
