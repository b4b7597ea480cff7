// What to do when no miner is connected yet.

import { useConnect, useStatus } from "../shell/facts";
import { href } from "../shell/route";
import { bestUrl } from "../model/urls";
import { Card, Copy } from "../ui/parts";

export function FirstSteps() {
  const connect = useConnect().data.value;
  const status = useStatus().data.value;
  const url = connect ? (bestUrl(connect.urls)?.url ?? status?.stratum_url) : status?.stratum_url;
  const user = connect?.user ?? "ADDRESS.worker";
  return (
    <Card title="First steps" kind="steps" aside={<a href={href("connect")}>All ways to connect</a>}>
      <ol class="steps-list">
        <li>
          <strong>Point your miner here</strong>
          <span class="copyline">
            <code>{url ?? "asking the node…"}</code>
            {url && <Copy text={url} what="the URL" />}
          </span>
        </li>
        <li>
          <strong>Use your own payout address as user</strong>
          <span class="copyline">
            <code>{user}</code>
            <Copy text={user} what="the user name" />
          </span>
        </li>
        <li>
          <strong>Any password{connect ? `, algorithm ${connect.algorithm}` : ""}</strong>
          <span class="muted">
            Nothing to sign up for: blocks pay that address directly. This page shows the miner as soon as it connects.
          </span>
        </li>
      </ol>
    </Card>
  );
}
