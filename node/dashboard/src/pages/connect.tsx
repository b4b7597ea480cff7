// Everything that a miner's settings ask for, ready to copy or to scan.

import { useState } from "preact/hooks";
import { useResource } from "../api/resource";
import type { Connect, List, NearNode } from "../api/types";
import { Qr } from "../charts/qr";
import { name, region } from "../format/text";
import { known, milliseconds, percent } from "../format/units";
import { failovers, kindWords, ordered, reachWords } from "../model/urls";
import { useConnect } from "../shell/facts";
import { Card, Choice, Copy, Empty, Pending, Stat } from "../ui/parts";

function Urls({ connect }: { connect: Connect }) {
  const urls = ordered(connect.urls);
  const [scanned, setScanned] = useState<string | null>(null);
  const shown = urls.find(({ url }) => url === scanned) ?? urls[0];
  if (!shown) return <Empty>This node takes no miners: its Stratum port is off.</Empty>;
  return (
    <div class="urls">
      <ul>
        {urls.map(({ url, kind, reach }) => (
          <li key={url} class={url === shown.url ? "current" : ""}>
            <span class="what">
              <b>{kindWords(kind)}</b> {reachWords(reach)}
            </span>
            <span class="copyline">
              <code class="long">{url}</code>
              <Copy text={url} what={url} />
              <button
                type="button"
                class="copy"
                aria-pressed={url === shown.url}
                aria-label={`Show ${url} as QR code`}
                onClick={() => setScanned(url)}
              >
                QR
              </button>
            </span>
          </li>
        ))}
      </ul>
      <figure class="qrcode">
        <Qr text={shown.url} />
        <figcaption>
          {kindWords(shown.kind)}, {reachWords(shown.reach)}
        </figcaption>
      </figure>
    </div>
  );
}

function Snippets({ snippets }: { snippets: Connect["snippets"] }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const shown = snippets.find(({ miner }) => miner === chosen) ?? snippets[0];
  if (!shown) return null;
  return (
    <Card title="Settings for your miner">
      <Choice
        label="Miner"
        options={snippets.map(({ miner }) => ({ key: miner, text: name(miner) }))}
        value={shown.miner}
        onChange={setChosen}
      />
      <div class="snippet">
        <pre tabIndex={0}>{shown.text}</pre>
        <Copy text={shown.text} what={`the settings for ${name(shown.miner)}`} />
      </div>
    </Card>
  );
}

/** Further nodes that a miner's settings have room for. */
const FAILOVERS = 3;

function Failovers() {
  const nodes = useResource<List<NearNode>>("nearest?limit=100", { every: 60_000 }).data.value?.data ?? [];
  const others = failovers(nodes, FAILOVERS);
  if (others.length === 0) return null;
  return (
    <Card title="If this node is down" aside="the nearest others of the same pool">
      <p class="explain">
        Enter these as second and third pool. They share one window: work done there counts like work done here.
      </p>
      <ul class="failovers">
        {others.map((node) => (
          <li key={node.peer_id}>
            <span class="copyline">
              <code class="long">{node.stratum[0]}</code>
              <Copy text={node.stratum[0] ?? ""} what={node.stratum[0] ?? ""} />
            </span>
            <small class="muted">
              {region(node.region)},{" "}
              {known(node.rtt_ms) ? `${milliseconds(node.rtt_ms)} from here` : "distance not measured"}, fee{" "}
              {percent(node.fee_basis_points / 100)}
            </small>
          </li>
        ))}
      </ul>
    </Card>
  );
}

export function ConnectPage() {
  const resource = useConnect();
  const connect = resource.data.value;
  if (!connect)
    return (
      <Card title="Connect a miner">
        <Pending of={resource} what="how to connect" />
      </Card>
    );
  return (
    <div class="page">
      <Card title="1. Where to">
        <Urls connect={connect} />
      </Card>
      <Card title="2. Who you are">
        <dl class="facts">
          <Stat
            label="User"
            value={
              <span class="copyline">
                <code>{connect.user}</code>
                <Copy text={connect.user} what="the user name" />
              </span>
            }
            hint="ADDRESS is your own payout address, worker any name you like"
          />
          <Stat
            label="Password"
            value={
              <span class="copyline">
                <code>{connect.password}</code>
              </span>
            }
            hint="anything; d=1000 in it sets the least difficulty"
          />
          <Stat label="Algorithm" value={name(connect.algorithm)} />
          <Stat label="Fee of the operator" value={percent(connect.fee_percent)} />
        </dl>
      </Card>
      <Snippets snippets={connect.snippets} />
      <Failovers />
    </div>
  );
}
