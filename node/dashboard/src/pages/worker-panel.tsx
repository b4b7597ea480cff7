// One worker: its hash rate over time, what of its work was refused and why, and what its address is paid.

import { withQuery } from "../api/client";
import { useResource } from "../api/resource";
import type { HashrateHistory, Worker } from "../api/types";
import { HashrateChart } from "../charts/hashrate";
import { isMasked, name } from "../format/text";
import { duration, moment } from "../format/time";
import { count, difficulty, hashrate, hashrateBand, percent } from "../format/units";
import { ASK_ADDRESS, payAnswer } from "../model/answers";
import { refusedPercent, refusedTimes, rejectRows } from "../model/rejects";
import { SILENT_SECS, STATE_WORDS, workerState } from "../model/workers";
import { useCoin, useMiner } from "../shell/facts";
import { href } from "../shell/route";
import { Icon } from "../ui/icon";
import { Address, Badge, Card, Copy, Pending, Stat } from "../ui/parts";
import { STATE_TONES } from "./worker-table";

/** Hours of refused work that are listed. */
const HOURS_SHOWN = 8;

/** Hours in which work was refused: whether it goes on, or was once. */
function RejectHistory({ worker, address }: { worker: Worker; address: string | undefined }) {
  const history = useResource<HashrateHistory>(
    withQuery("history/hashrate", { worker: worker.worker, address, step: "1h", points: 72 }),
    { every: 60_000 },
  );
  const times = history.data.value ? refusedTimes(history.data.value).slice(0, HOURS_SHOWN) : [];
  if (times.length === 0) return null;
  return (
    <ul class="rejects" aria-label="Hours with refused work, newest first">
      {times.map(({ time, refused, why }) => (
        <li key={time}>
          <strong>
            {moment(time).slice(0, -3)}: {count(refused)}
          </strong>
          <span>{why}</span>
        </li>
      ))}
    </ul>
  );
}

function Rejects({ worker }: { worker: Worker }) {
  const rows = rejectRows(worker);
  if (rows.length === 0) return <p class="explain">No work of this worker was refused.</p>;
  return (
    <ul class="rejects">
      {rows.map(({ reason, title, count: times, advice }) => (
        <li key={reason}>
          <strong>
            {title}: {count(times)}
          </strong>
          <span>{advice}</span>
        </li>
      ))}
    </ul>
  );
}

export function WorkerPanel({ worker }: { worker: Worker }) {
  const coin = useCoin();
  const address = isMasked(worker.address) ? undefined : worker.address;
  const miner = useMiner(address ?? null).data.value;
  const history = useResource<HashrateHistory>(
    withQuery("history/hashrate", { worker: worker.worker, address, step: "1m", points: 180 }),
    { every: 15_000 },
  );
  const state = workerState(worker);
  const pay = address === undefined ? ASK_ADDRESS : payAnswer(miner, coin);
  return (
    <Card
      kind="panel"
      title={
        <>
          {name(worker.worker, "unnamed")} <Badge tone={STATE_TONES[state]}>{STATE_WORDS[state]}</Badge>
        </>
      }
      aside={
        <a class="close" href={href("workers")} aria-label="Close this worker">
          <Icon name="close" />
        </a>
      }
    >
      {state === "silent" && (
        <p class="explain text-warn">
          Nothing has arrived for over {duration(SILENT_SECS)}. Look at the miner itself: power, cooling, its own log.
        </p>
      )}
      <dl class="stats">
        <Stat
          label="Hash rate"
          value={hashrate(worker.hashrate)}
          hint={hashrateBand(worker.hashrate_low, worker.hashrate_high)}
        />
        <Stat
          label="Accepted"
          value={count(worker.submits.accepted)}
          hint={`${percent(refusedPercent(worker.submits))} refused`}
        />
        <Stat label="Difficulty" value={difficulty(worker.difficulty)} />
        <Stat label="Connected" value={duration(worker.connected_secs)} hint={name(worker.agent, "software unknown")} />
      </dl>
      {history.data.value ? (
        <HashrateChart history={history.data.value} />
      ) : (
        <Pending of={history} what="past hash rates" />
      )}
      <div class="split">
        <div>
          <h3>Refused work</h3>
          <Rejects worker={worker} />
          <RejectHistory worker={worker} address={address} />
        </div>
        <div>
          <h3>Payouts</h3>
          <p class="explain">
            <strong>{pay.headline}.</strong> {pay.detail}
          </p>
          <p class="copyline">
            <Address of={worker.address} />
            <Copy text={worker.address} what="the address" />
          </p>
        </div>
      </div>
    </Card>
  );
}
