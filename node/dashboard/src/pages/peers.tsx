// Whom this node is connected to, where they are, how far, and how much they help.

import { useResource } from "../api/resource";
import type { Ban, Count, List, Network, Peer } from "../api/types";
import { WorldMap } from "../charts/world";
import { hostOf, name, region, short } from "../format/text";
import { duration } from "../format/time";
import { count, known, milliseconds, percent, plural } from "../format/units";
import { peerPlace, peersAnswer } from "../model/answers";
import { rttClass } from "../model/rtt";
import { useNetwork, usePeers, useStatus } from "../shell/facts";
import { Badge, Card, Dot, Empty, Pending, Stat } from "../ui/parts";
import { Table, type Column } from "../ui/table";

/** Round trip at which a bar is full, milliseconds: half around the world and back. */
const RTT_FULL_MS = 350;

function Rtt({ peer }: { peer: Peer }) {
  const { rtt_ms, rtt_min_ms, rtt_jitter_ms } = peer;
  if (!known(rtt_min_ms)) return <span class="muted">not yet</span>;
  const width = Math.min(100, (100 * rtt_min_ms) / RTT_FULL_MS);
  return (
    <span class="rtt" title={`now ${milliseconds(rtt_ms)}, varies by ${milliseconds(rtt_jitter_ms)}`}>
      <span class="meter" aria-hidden="true">
        <span class={`rtt-${rttClass(rtt_min_ms)}`} style={{ width: `${Math.max(3, width)}%` }} />
      </span>
      {milliseconds(rtt_min_ms)}
    </span>
  );
}

/** Which part of what it delivered was news. */
function firstPercent({ shares_first, shares_late }: Peer): number | null {
  const all = shares_first + shares_late;
  return all > 0 ? (100 * shares_first) / all : null;
}

const COLUMNS: readonly Column<Peer>[] = [
  {
    title: "Node",
    cell: ({ peer_id }) => (
      <span class="mono" title={peer_id}>
        {short(peer_id, 4, 6)}
      </span>
    ),
  },
  { title: "Round trip", cell: (peer) => <Rtt peer={peer} /> },
  {
    title: "Place",
    cell: (peer) => (
      <span title={peer.region_source ? `known by ${peer.region_source}` : undefined}>{peerPlace(peer)}</span>
    ),
  },
  {
    title: "Direction",
    from: "tablet",
    cell: ({ direction }) => (direction === "outbound" ? "we dialled" : "dialled us"),
  },
  { title: "Kept as", from: "desk", cell: ({ slot, direction }) => name(slot, direction) },
  { title: "Over", from: "desk", cell: ({ transport }) => name(transport) },
  {
    title: "Height",
    number: true,
    from: "tablet",
    cell: ({ share_height, share_lag }) =>
      share_lag !== null && share_lag > 0 ? `${count(share_height)} (-${count(share_lag)})` : count(share_height),
  },
  { title: "Brought first", number: true, from: "tablet", cell: (peer) => percent(firstPercent(peer)) },
  { title: "Connected", number: true, from: "desk", cell: ({ connected_secs }) => duration(connected_secs) },
  { title: "Software", from: "desk", cell: ({ agent }) => name(agent) },
  {
    title: "Address",
    from: "desk",
    cell: ({ address }) => (
      <span class="mono" title={address}>
        {hostOf(address)}
      </span>
    ),
  },
];

function Spread({
  title,
  counts,
  words = (code: string) => name(code),
}: {
  title: string;
  counts: readonly Count[];
  words?: (code: string) => string;
}) {
  if (counts.length === 0) return null;
  return (
    <div>
      <dt>{title}</dt>
      <dd class="chips">
        {counts.map((entry) => (
          <span key={entry.name}>
            {words(entry.name)} <b>{count(entry.count)}</b>
          </span>
        ))}
      </dd>
    </div>
  );
}

function Place({ network }: { network: Network }) {
  const reach = network.reachable === null ? "nobody has tried yet" : network.reachable ? "yes" : "no: open the port";
  return (
    <Card title="This node in the network">
      <dl class="facts spread">
        <Stat label="Others can connect" value={reach} />
        <Stat label="We dialled / they dialled" value={`${count(network.outbound)} / ${count(network.inbound)}`} />
        <Spread title="Regions" counts={network.regions} words={region} />
        <Spread title="Transports" counts={network.transports} />
        <Spread
          title="Networks (AS)"
          counts={network.asns}
          words={(asn) => (asn === "-" ? "unknown" : `AS${name(asn)}`)}
        />
        <div>
          <dt>Listens on</dt>
          <dd class="chips mono">
            {[...network.listen, ...network.external].map((address) => (
              <span key={address}>{hostOf(address)}</span>
            ))}
          </dd>
        </div>
      </dl>
    </Card>
  );
}

function Bans() {
  const bans = useResource<List<Ban>>("peers/bans", { every: 30_000 }).data.value?.data ?? [];
  if (bans.length === 0) return null;
  return (
    <Card title="Banned" aside={plural(bans.length, "entry", "entries")}>
      <Table
        caption="Banned peers and addresses"
        rows={bans}
        keyOf={({ subject }) => subject}
        columns={[
          { title: "Who", cell: ({ subject }) => <span class="mono">{short(subject, 10, 8)}</span> },
          { title: "Why", cell: ({ reason }) => <Badge tone="warn">{name(reason)}</Badge> },
          { title: "For another", number: true, cell: ({ secs_left }) => duration(secs_left) },
        ]}
      />
    </Card>
  );
}

export function Peers() {
  const status = useStatus().data.value;
  const list = usePeers();
  const network = useNetwork();
  const peers = [...(list.data.value?.data ?? [])].sort(
    (a, b) => (a.rtt_min_ms ?? Infinity) - (b.rtt_min_ms ?? Infinity) || a.peer_id.localeCompare(b.peer_id),
  );
  const answer = status ? peersAnswer(status, peers, network.data.value) : null;
  return (
    <div class="page">
      {answer && (
        <p class="lead">
          <Dot tone={answer.tone} />
          <strong>{answer.headline}.</strong> {answer.detail}
        </p>
      )}
      <Card
        title="World"
        kind="map"
        aside={status?.region ? `this node: ${region(status.region)}` : "this node: unknown region"}
      >
        <WorldMap peers={peers} region={status?.region ?? null} ownId={status?.peer_id ?? ""} />
      </Card>
      <Card title="Connected nodes" aside={plural(peers.length, "node")}>
        {!list.data.value ? (
          <Pending of={list} what="peers" />
        ) : peers.length === 0 ? (
          <Empty>No node is connected. The node goes on looking for others by itself.</Empty>
        ) : (
          <Table
            caption="Connected nodes, nearest first"
            rows={peers}
            keyOf={({ peer_id }) => peer_id}
            columns={COLUMNS}
          />
        )}
      </Card>
      {network.data.value && <Place network={network.data.value} />}
      <Bans />
    </div>
  );
}
