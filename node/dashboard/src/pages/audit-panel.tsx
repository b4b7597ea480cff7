// The proof of one block's payouts: what the share chain demands against what the coinbase pays.

import { useResource } from "../api/resource";
import type { Audit, Block } from "../api/types";
import { amount, amountCell } from "../format/coins";
import { shortHash } from "../format/text";
import { moment } from "../format/time";
import { count } from "../format/units";
import type { Tone } from "../model/answers";
import { blockState } from "../model/blocks";
import { useCoin } from "../shell/facts";
import { href } from "../shell/route";
import { Icon } from "../ui/icon";
import { Address, Badge, Card, Copy, Pending, Stat } from "../ui/parts";
import { Table } from "../ui/table";

const VERDICTS: Record<string, { tone: Tone; words: string }> = {
  agrees: { tone: "good", words: "every output agrees" },
  differs: { tone: "bad", words: "the block pays something else" },
  unknown: { tone: "quiet", words: "cannot be checked any more" },
};

function Proof({ audit }: { audit: Audit }) {
  const coin = useCoin();
  const verdict = VERDICTS[audit.verdict] ?? { tone: "quiet" as const, words: audit.verdict };
  return (
    <>
      <p>
        <Badge tone={verdict.tone}>{verdict.words}</Badge>
      </p>
      {audit.steps.length > 0 && (
        <ol class="proof">
          {audit.steps.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
      )}
      {audit.outputs.length > 0 && (
        <Table
          caption="Outputs of the block's coinbase"
          rows={audit.outputs}
          keyOf={({ script }) => script}
          columns={[
            { title: "Paid to", cell: ({ address, script }) => <Address of={address ?? script} /> },
            { title: "By the share chain", number: true, cell: ({ expected }) => amountCell(expected, coin) },
            { title: "In the block", number: true, cell: ({ found }) => amountCell(found, coin) },
            {
              title: "Both",
              cell: ({ agrees }) => <Badge tone={agrees ? "good" : "bad"}>{agrees ? "agrees" : "differs"}</Badge>,
            },
          ]}
        />
      )}
    </>
  );
}

export function AuditPanel({ hash, block }: { hash: string; block: Block | null }) {
  const coin = useCoin();
  const resource = useResource<Audit>(`payouts/audit/${encodeURIComponent(hash)}`, { every: 60_000 });
  const audit = resource.data.value;
  const state = block ? blockState(block.status) : null;
  return (
    <Card
      kind="panel"
      title={`Block ${count(block?.height ?? audit?.height)}`}
      aside={
        <a class="close" href={href("blocks")} aria-label="Close this block">
          <Icon name="close" />
        </a>
      }
    >
      <p class="copyline">
        <code class="long">{hash}</code>
        <Copy text={hash} what="the block hash" />
      </p>
      {block && state && (
        <>
          <p class="explain">
            <Badge tone={state.tone}>{state.words}</Badge> {state.meaning} {block.reason ?? ""}
          </p>
          <dl class="facts">
            <Stat label="Found" value={moment(block.found_at)} />
            <Stat label="Subsidy and fees" value={amount(block.coinbase_value, coin)} />
            <Stat
              label="Blocks on top"
              value={count(block.confirmations !== null && block.confirmations >= 0 ? block.confirmations : null)}
            />
            <Stat
              label="Its share"
              value={
                <a class="mono" href={href("chain", block.hash)}>
                  {shortHash(block.hash)}
                </a>
              }
            />
          </dl>
        </>
      )}
      <h3>Proof of its payouts</h3>
      {audit ? <Proof audit={audit} /> : <Pending of={resource} what="the proof" />}
    </Card>
  );
}
