// One share in detail.

import { useResource } from "../api/resource";
import type { ShareDetail } from "../api/types";
import { amount } from "../format/coins";
import { shortHash } from "../format/text";
import { moment } from "../format/time";
import { count, hashes } from "../format/units";
import { useCoin } from "../shell/facts";
import { href } from "../shell/route";
import { Icon } from "../ui/icon";
import { Address, Card, Copy, Pending, Stat } from "../ui/parts";

const link = (id: string) => (
  <a key={id} class="mono" href={href("chain", id)}>
    {shortHash(id)}
  </a>
);

export function SharePanel({ id }: { id: string }) {
  const coin = useCoin();
  const resource = useResource<ShareDetail>(`shares/${encodeURIComponent(id)}`, { every: 60_000 });
  const share = resource.data.value;
  return (
    <Card
      kind="panel"
      title={share?.is_block ? "Share and block" : "Share"}
      aside={
        <a class="close" href={href("chain")} aria-label="Close this share">
          <Icon name="close" />
        </a>
      }
    >
      <p class="copyline">
        <code class="long">{id}</code>
        <Copy text={id} what="the id" />
      </p>
      {share ? (
        <dl class="facts">
          <Stat label="Height" value={count(share.height)} />
          <Stat label="Work" value={hashes(share.work)} />
          <Stat label="Paid to" value={<Address of={share.payout_address} />} />
          <Stat label="Time in its header" value={moment(share.time)} />
          <Stat label="Linked here" value={moment(share.linked_at)} />
          <Stat label="Parent" value={share.parent === null ? "none: it is the first" : link(share.parent)} />
          <Stat
            label="Merges"
            value={share.uncles.length === 0 ? "nothing" : <span class="ids">{share.uncles.map(link)}</span>}
          />
          <Stat label="Shares in its past" value={count(share.count)} />
          <Stat
            label="Block it could be"
            value={`${count(share.block_height)}, ${amount(share.coinbase_value, coin)}`}
          />
        </dl>
      ) : (
        <Pending of={resource} what="this share" />
      )}
    </Card>
  );
}
