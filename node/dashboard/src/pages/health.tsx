// What is wrong, why, and what to do; then everything that is as it should be.

import { useResource } from "../api/resource";
import type { Daemon, Finding, List, ParentDetail, Status, Verdict } from "../api/types";
import { amount } from "../format/coins";
import { name, shortHash } from "../format/text";
import { duration } from "../format/time";
import { count, difficulty, known, percent, plural } from "../format/units";
import { healthAnswer, type Tone } from "../model/answers";
import { useCoin, useHealth, useStatus } from "../shell/facts";
import { Badge, Card, Dot, Empty, Meter, Pending, Stat } from "../ui/parts";
import { Table } from "../ui/table";

/** The node gives up on a diagnosis after a minute. */
const DIAGNOSIS_MS_MAX = 65_000;

const VERDICTS: Record<Verdict, { tone: Tone; words: string; rank: number }> = {
  fail: { tone: "bad", words: "fails", rank: 0 },
  warn: { tone: "warn", words: "warning", rank: 1 },
  ok: { tone: "good", words: "well", rank: 2 },
  skipped: { tone: "quiet", words: "skipped", rank: 3 },
};

const verdictOf = (finding: Finding) => VERDICTS[finding.verdict] ?? VERDICTS.skipped;

function FindingItem({ finding }: { finding: Finding }) {
  const { tone, words } = verdictOf(finding);
  return (
    <li class={`finding ${tone}`}>
      <h3>
        <Badge tone={tone}>{words}</Badge> {finding.finding}
      </h3>
      {finding.cause && (
        <p>
          <b>Cause</b> {finding.cause}
        </p>
      )}
      {finding.fix && (
        <p>
          <b>What to do</b> {finding.fix}
        </p>
      )}
      <small class="mono">
        {[finding.check, finding.subject]
          .filter(Boolean)
          .map((part) => name(part))
          .join(": ")}
      </small>
    </li>
  );
}

function Checks({ findings }: { findings: readonly Finding[] }) {
  const sorted = [...findings].sort((a, b) => verdictOf(a).rank - verdictOf(b).rank);
  const open = sorted.filter(({ verdict }) => verdict === "fail" || verdict === "warn");
  const rest = sorted.filter(({ verdict }) => verdict !== "fail" && verdict !== "warn");
  return (
    <>
      {open.length === 0 ? (
        <p class="allwell">
          <Dot tone="good" />
          Every check passed.
        </p>
      ) : (
        <ul class="findings">
          {open.map((finding) => (
            <FindingItem key={finding.check + (finding.subject ?? "") + finding.finding} finding={finding} />
          ))}
        </ul>
      )}
      {rest.length > 0 && (
        <details>
          <summary>{plural(rest.length, "other check")}</summary>
          <ul class="findings small">
            {rest.map((finding) => (
              <FindingItem key={finding.check + (finding.subject ?? "") + finding.finding} finding={finding} />
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Sync({ status }: { status: Status }) {
  const target = status.sync_target_height;
  if (status.sync_state !== "behind" || !known(target) || target <= 0) return null;
  const done = Math.min(100, (100 * status.share_height) / target);
  return (
    <Card title="Fetching the share chain" aside={percent(done)}>
      <Meter percent={done} />
      <p class="explain">
        Height {count(status.share_height)} of {count(target)}, {count(status.sync_shares_per_sec)} shares a second,{" "}
        {known(status.sync_secs_left)
          ? `about ${duration(status.sync_secs_left)} left`
          : "the time left is not known yet"}
        . Mining starts by itself.
      </p>
    </Card>
  );
}

function Daemons({ daemons }: { daemons: readonly Daemon[] }) {
  if (daemons.length === 0) return <Empty>No coin daemon is configured.</Empty>;
  return (
    <Table
      caption="Coin daemons"
      rows={daemons}
      keyOf={({ url }) => url}
      columns={[
        { title: "Daemon", cell: ({ url }) => <span class="mono">{name(url)}</span> },
        {
          title: "State",
          cell: ({ ready, chosen }) => (
            <Badge tone={ready ? "good" : "bad"}>{ready ? (chosen ? "in use" : "ready") : "not ready"}</Badge>
          ),
        },
        { title: "Height", number: true, cell: ({ height }) => count(height) },
        { title: "Beside the others", from: "tablet", cell: ({ standing }) => name(standing) },
        { title: "Problem", from: "tablet", cell: ({ problem }) => name(problem, "none") },
      ]}
    />
  );
}

function ParentCard({ status }: { status: Status | null }) {
  const coin = useCoin();
  const resource = useResource<ParentDetail>("parent", { every: 6_000, on: ["template"] });
  const parent = resource.data.value;
  const template = parent?.template;
  return (
    <Card title={`Coin daemon${coin ? `: ${name(coin.name)}` : ""}`}>
      <dl class="facts">
        <Stat label="Block height" value={count(parent?.height ?? status?.parent.height)} />
        <Stat label="Tip" value={<span class="mono">{shortHash(parent?.tip ?? status?.parent.tip)}</span>} />
        <Stat label="Work is" value={template ? `${duration(template.age_secs)} old` : "–"} />
        <Stat label="Transactions in it" value={count(template?.transactions)} />
        <Stat
          label="Block pays"
          value={amount(template?.coinbase_value, coin)}
          hint={template ? `${amount(template.fees, coin)} fees` : ""}
        />
        <Stat label="Difficulty" value={difficulty(parent?.difficulty ?? status?.network_difficulty)} />
      </dl>
      <Daemons daemons={parent?.daemons ?? status?.parent.daemons ?? []} />
    </Card>
  );
}

export function HealthPage() {
  const status = useStatus().data.value;
  const health = useHealth();
  const checks = useResource<List<Finding>>("diagnostics", {
    every: 30_000,
    on: ["warning"],
    patience: DIAGNOSIS_MS_MAX,
  });
  const answer = status ? healthAnswer(status, health.data.value) : null;
  const problems = health.data.value?.problems ?? [];
  return (
    <div class="page">
      {answer && (
        <p class="lead">
          <Dot tone={answer.tone} />
          <strong>{answer.headline}.</strong> {answer.detail}
        </p>
      )}
      {status && <Sync status={status} />}
      {problems.length > 0 && (
        <Card title="In the way right now">
          <ul class="findings">
            {problems.map((problem) => (
              <li key={problem} class="finding bad">
                <h3>{problem}</h3>
              </li>
            ))}
          </ul>
        </Card>
      )}
      <Card title="Checks" aside={checks.data.value ? plural(checks.data.value.data.length, "check") : undefined}>
        {checks.data.value ? (
          <Checks findings={checks.data.value.data} />
        ) : health.data.value?.findings ? (
          <Checks findings={health.data.value.findings} />
        ) : (
          <Pending of={checks} what="its checks" />
        )}
      </Card>
      <ParentCard status={status} />
      {status && (
        <Card title="This node">
          <dl class="facts">
            <Stat label="Version" value={name(status.version)} />
            <Stat label="Up for" value={duration(status.uptime_secs)} />
            <Stat label="Share height" value={count(status.share_height)} />
            <Stat label="Fee of the operator" value={percent(status.fee_basis_points / 100)} />
            <Stat label="Identity" value={<span class="mono wrap">{status.peer_id}</span>} />
            <Stat
              label="Upgrades"
              value={
                status.upgrades.length === 0
                  ? "none pending"
                  : status.upgrades.map(({ bit, state }) => `bit ${bit}: ${state.replaceAll("_", " ")}`).join(", ")
              }
            />
          </dl>
        </Card>
      )}
    </div>
  );
}
