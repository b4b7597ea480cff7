// Deterministic answers in the shapes of /api/v1, for looking at pages and for tests of their layout. Nothing of this reaches a node.

/** A small generator with a seed (mulberry32): the same data at every start. */
export function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const hex = (rng, length) => Array.from({ length }, () => Math.floor(rng() * 16).toString(16)).join("");
const BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const address = (rng) => `bc1q${Array.from({ length: 38 }, () => BECH32[Math.floor(rng() * 32)]).join("")}`;
const peerId = (rng) =>
  `12D3KooW${Array.from({ length: 44 }, () => "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[Math.floor(rng() * 58)]).join("")}`;
const now = () => Math.floor(Date.now() / 1000);

const AGENTS = [
  "bitaxe/BM1370/v2.9.21",
  "cgminer/4.13.5",
  "bosminer-plus-tuner 24.09",
  "xmrig/6.22.2",
  "NiceHash/1.0.0",
  "<img src=x onerror=alert(1)>",
];
const NAMES = ["garage", "attic", "s19k-pro-", "bitaxe-", "rack-a-", "rack-b-", "office", "bunker-"];

function worker(rng, index, addresses) {
  const hashrate = 10 ** (11 + 3 * rng());
  const silent = rng() < 0.02;
  const accepted = Math.floor(rng() * 4000) + (rng() < 0.02 ? 0 : 30);
  const rejects = {
    stale: Math.floor(accepted * 0.002 * rng() * 3),
    duplicate: 0,
    low_difficulty: rng() < 0.03 ? Math.floor(accepted * 0.1) : 0,
    unknown_job: Math.floor(rng() * 2),
    bad_time: 0,
    other: 0,
  };
  return {
    id: `w${index}`,
    address: addresses[Math.floor(rng() * addresses.length)],
    worker:
      index === 3 ? "<b>bold</b>\u202egnp.exe" : `${NAMES[index % NAMES.length]}${String(index).padStart(2, "0")}`,
    agent: AGENTS[Math.floor(rng() * AGENTS.length)],
    hashrate: silent ? 0 : hashrate,
    hashrate_low: silent ? 0 : hashrate * 0.94,
    hashrate_high: silent ? null : hashrate * 1.06,
    difficulty: 2 ** Math.floor(10 + 6 * rng()),
    connected_secs: Math.floor(600 + rng() * 400_000),
    last_share_secs: silent ? 4_000 : Math.floor(rng() * 25),
    submits: { accepted, stale: rejects.stale, rejected: rejects.low_difficulty + rejects.unknown_job },
    rejects,
  };
}

const PLACES = [
  ["EU", "DE", 11],
  ["EU", "FI", 27],
  ["EU", "PT", 38],
  ["NA", "US", 92],
  ["NA", "CA", 101],
  ["SA", "BR", 188],
  ["AS", "SG", 167],
  ["AS", "JP", 228],
  ["AS", "KZ", 84],
  ["OC", "AU", 281],
  ["AF", "ZA", 163],
  [null, null, null],
];

function peer(rng, index) {
  const [region, country, rtt] = PLACES[index % PLACES.length];
  return {
    peer_id: peerId(rng),
    address:
      index % 3
        ? `/ip4/${[1, 2, 3, 4].map(() => 1 + Math.floor(rng() * 250)).join(".")}/udp/13333/quic-v1`
        : `/ip6/2001:db8::${hex(rng, 4)}/tcp/13333`,
    direction: index % 4 === 3 ? "inbound" : "outbound",
    transport: index % 3 ? "quic" : "tcp",
    slot: ["near", "far", "random", "inbound"][index % 4],
    agent: "poolnode/0.9.0",
    rtt_ms: rtt && rtt * 1.08,
    rtt_min_ms: rtt,
    rtt_jitter_ms: rtt && rtt / 11,
    region,
    region_source: region && "mmdb",
    country,
    asn: region && 24940 + index,
    share_height: 184_220,
    share_lag: index === 5 ? 3 : 0,
    connected_secs: 400 + index * 3111,
    shares_first: Math.floor(rng() * 500),
    shares_late: 400,
  };
}

/** A chain of `heights` heights with merged shares, oldest first. */
function dag(rng, heights, top, addresses) {
  const shares = [];
  let parent = "0".repeat(64);
  let loose = [];
  for (let height = top - heights + 1; height <= top; height += 1) {
    const make = (uncles, selected) => ({
      id: hex(rng, 64),
      parent,
      uncles,
      height,
      time: now() - Math.round((top - height) * 2.7),
      work_hashes: 2 ** (44 + Math.floor(rng() ** 3 * 6)),
      address: addresses[Math.floor(rng() ** 2 * addresses.length)],
      selected,
      is_block: false,
    });
    const main = make(loose, true);
    main.is_block = height === top - 21;
    const beside = Array.from({ length: Math.floor(rng() * 3.4) }, () => make([], false));
    shares.push(main, ...beside);
    loose = beside.map(({ id }) => id);
    parent = main.id;
  }
  return shares;
}

const COIN = { name: "Bitcoin", symbol: "BTC", decimals: 8 };
const SUBSIDY = 313_812_345;

/** Everything that a node of this kind says: `normal`, `empty`, `one`, `large`, `sick`, `public` or `private`. */
export function world(variant) {
  const rng = random(7);
  const addresses = Array.from({ length: 34 }, () => address(rng));
  const own = addresses.slice(0, 3);
  const counts = { normal: 26, empty: 0, one: 1, large: 10_000, sick: 4 };
  const workers = Array.from({ length: counts[variant] ?? 26 }, (_, index) => worker(rng, index, own)).sort(
    (a, b) => b.hashrate - a.hashrate,
  );
  if (variant === "one")
    Object.assign(workers[0], {
      hashrate: 1.23e12,
      last_share_secs: 4,
      submits: { accepted: 412, stale: 1, rejected: 0 },
      rejects: { stale: 1 },
    });
  const empty = variant === "empty";
  const sick = variant === "sick";
  const peers = empty ? [] : Array.from({ length: variant === "one" ? 1 : 14 }, (_, index) => peer(rng, index));
  const top = empty ? 0 : 184_221;
  const shares = empty ? [] : dag(rng, 60, top, addresses);
  // A public page shows no address in full.
  const shown = (entry) => (variant === "public" ? `${entry.slice(0, 4)}…${entry.slice(-4)}` : entry);
  for (const entry of [...workers, ...shares]) entry.address = shown(entry.address);
  const weights = empty
    ? []
    : [...addresses, ...Array.from({ length: 60 }, () => address(rng))].map((entry) => ({
        script: `0014${hex(rng, 40)}`,
        address: shown(entry),
        work: Math.floor(2 ** (48 + 7 * rng())),
      }));
  const work = weights.reduce((sum, weight) => sum + weight.work, 0);
  const payouts = weights.map(({ script, address: to, work: part }) => ({
    script,
    address: to,
    amount: Math.floor((SUBSIDY * part) / work),
  }));
  const blocks = empty
    ? []
    : Array.from({ length: 12 }, (_, index) => ({
        hash: index === 0 ? shares.find(({ is_block }) => is_block).id : `${"0".repeat(18)}${hex(rng, 46)}`,
        height: 901_200 - index * 37,
        coinbase_value: SUBSIDY + Math.floor(rng() * 9e6),
        own: index % 4 === 1,
        found_at: now() - 60 - index * 41_000,
        status: index === 0 ? "pending" : index === 5 ? "orphaned" : "confirmed",
        confirmations: index === 5 ? -1 : index === 0 ? 1 : index * 37,
        reason: null,
        effort_percent: index === 11 ? null : Math.round(-100 * Math.log(1 - rng() * 0.98)),
        payouts_count: 84,
      }));
  const hashrate = workers.reduce((sum, entry) => sum + entry.hashrate, 0);
  const daemons = [
    {
      url: "http://127.0.0.1:8332",
      chosen: true,
      ready: !sick,
      problem: sick ? "connection refused (os error 111)" : null,
      height: sick ? null : 901_223,
      standing: "well",
    },
  ];
  const parent = {
    height: sick ? null : 901_223,
    tip: `${"0".repeat(18)}${hex(rng, 46)}`,
    ready: !sick,
    problem: sick ? "no daemon gives templates: connection refused" : null,
    daemons,
  };
  const findings = sick
    ? [
        {
          check: "daemon",
          verdict: "fail",
          finding: "The coin daemon at 127.0.0.1:8332 does not answer.",
          cause: "Nothing listens on that port.",
          fix: "Start bitcoind, or correct parent.rpc in the configuration.",
        },
        {
          check: "clock",
          verdict: "warn",
          finding: "The clock is 3.1 s behind that of the peers.",
          cause: "No time service runs.",
          fix: "Enable systemd-timesyncd or chrony.",
        },
      ]
    : [];
  const fine = ["config", "data_dir", "ports", "disk", "peers", "time", "open_files"].map((check) => ({
    check,
    verdict: check === "open_files" ? "skipped" : "ok",
    finding: `${check.replaceAll("_", " ")}: as it should be`,
    cause: null,
    fix: null,
  }));
  const effort = 0.63;
  return {
    variant,
    workers,
    peers,
    shares,
    blocks,
    own,
    findings,
    fine,
    parent,
    payouts: {
      payout_share: hex(rng, 64),
      window_shares: empty ? 0 : 86_400,
      window_work: work,
      weights,
      weights_total: weights.length,
      weights_next: null,
      coinbase_value: sick ? null : SUBSIDY,
      payouts,
    },
    status: {
      network: empty ? "devnet" : "bitcoin",
      share_chain: hex(rng, 64),
      version: "0.9.0",
      peer_id: peerId(rng),
      cookie_file: "/var/lib/poolnode/cookie",
      region: "EU",
      uptime_secs: 93_211,
      synced: true,
      sync_state: empty ? "alone" : "synced",
      sync_target_height: null,
      sync_shares_per_sec: null,
      sync_secs_left: null,
      mining: !sick,
      share_height: top,
      share_tip: shares.at(-1)?.id ?? "0".repeat(64),
      total_work: 9.1e18,
      window_shares: empty ? 0 : 86_400,
      shares: 345_600,
      shares_waiting: 0,
      shares_held_back: 0,
      rival_branches: [],
      upgrades: [],
      shares_gossiped: 99_213,
      base_work: 2 ** 44,
      share_interval_ms: 1000,
      peers: peers.length,
      p2p_listen: ["/ip4/192.168.1.20/tcp/13333"],
      stratum_url: "stratum+tcp://192.168.1.20:3333",
      stratum_v2_url: null,
      fee_basis_points: 100,
      fee_address: null,
      banned_addresses: 0,
      miners: workers.length,
      hashrate,
      submits: { accepted: empty ? 0 : 91_223, stale: empty ? 0 : 140, rejected: empty ? 0 : 31 },
      parent,
      blocks_found: blocks.length,
      coin: COIN,
      pool_hashrate: empty ? null : { hashes_per_sec: 7.31e16, low: 7.02e16, high: 7.61e16, samples: 612 },
      hashrate_band: empty ? null : { low: hashrate * 0.97, high: hashrate * 1.03 },
      round: empty
        ? null
        : {
            since: now() - 31_000,
            work_hashes: 3.4e21,
            expected_hashes: 5.4e21,
            effort_percent: 100 * effort,
            percentile: 100 * (1 - Math.exp(-effort)),
          },
      network_difficulty: 1.263e14,
      parent_hashes_per_block: 5.42e23,
    },
    health: {
      status: sick ? "unhealthy" : empty ? "ready" : "ready",
      problems: sick ? ["no daemon gives templates: connection refused"] : [],
      findings,
    },
    network: {
      inbound: peers.filter(({ direction }) => direction === "inbound").length,
      outbound: peers.filter(({ direction }) => direction === "outbound").length,
      transports: [
        { name: "quic", count: 9 },
        { name: "tcp", count: 5 },
      ].slice(0, peers.length),
      regions: empty
        ? []
        : [
            { name: "EU", count: 4 },
            { name: "NA", count: 3 },
            { name: "AS", count: 3 },
            { name: "-", count: 2 },
          ],
      asns: empty
        ? []
        : [
            { name: "24940", count: 3 },
            { name: "-", count: 2 },
          ],
      listen: ["/ip4/192.168.1.20/tcp/13333", "/ip4/192.168.1.20/udp/13333/quic-v1"],
      external: empty ? [] : ["/ip4/203.0.113.9/tcp/13333"],
      reachable: empty ? null : true,
      dialled_back: 5,
      dial_back_failed: 0,
      share_height: top,
      bans: 1,
      alarm: null,
    },
    connect: {
      urls: [
        { url: "stratum+tcp://127.0.0.1:3333", kind: "v1", reach: "loopback" },
        { url: "stratum+tcp://192.168.1.20:3333", kind: "v1", reach: "lan" },
        { url: "stratum+ssl://192.168.1.20:3333", kind: "v1-tls", reach: "lan" },
        {
          url: "stratum2+tcp://192.168.1.20:3336/9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh",
          kind: "v2",
          reach: "lan",
        },
      ],
      algorithm: "sha256d",
      user: "ADDRESS.worker",
      password: "x",
      fee_percent: 1,
      snippets: [
        {
          miner: "bitaxe",
          text: "Stratum Host: 192.168.1.20\nStratum Port: 3333\nStratum User: ADDRESS.worker\nStratum Password: x",
        },
        { miner: "cgminer", text: "cgminer -o stratum+tcp://192.168.1.20:3333 -u ADDRESS.worker -p x" },
        { miner: "hiveos", text: "Pool: stratum+tcp://192.168.1.20:3333\nWallet: ADDRESS\nPass: x" },
      ],
    },
    nearest: empty
      ? []
      : peers.slice(0, 8).map((entry, index) => ({
          peer_id: entry.peer_id,
          own: index === 0,
          p2p: [],
          stratum: [`stratum+tcp://203.0.113.${10 + index}:3333`],
          region: entry.region,
          country: entry.country,
          asn: entry.asn,
          fee_basis_points: 50 * (index % 3),
          capacity: 16_384,
          load: 120 * index,
          agent: "poolnode/0.9.0",
          operator: null,
          first_seen: now() - 9e6,
          issued: now() - 600,
          expires: now() + 3000,
          rtt_ms: entry.rtt_min_ms,
        })),
    bans: empty
      ? []
      : [{ subject: "198.51.100.7", until: now() + 1800, secs_left: 1800, reason: "invalid proof of work" }],
  };
}

/** What the miner with this address is told. */
export function miner(of, to) {
  const all = of.payouts.weights.reduce((sum, { work }) => sum + work, 0);
  const weight = of.payouts.weights.find((entry) => entry.address === to);
  const due = weight ? Math.floor((SUBSIDY * weight.work) / all) : null;
  return {
    address: to,
    script: weight?.script ?? "",
    window_work_hashes: weight?.work ?? 0,
    window_share_percent: weight ? (100 * weight.work) / all : 0,
    shares_kept: weight ? 3120 : 0,
    next_payout: due,
    expected_payout: due,
    payout_chance_percent: weight ? 100 : null,
    blocks_per_day: weight ? 1.4 : null,
    payout_24h_chance_percent: weight ? 75.3 : null,
    workers: of.workers.filter((entry) => entry.address === to).slice(0, 50),
    payouts: paid(of, to),
  };
}

export function paid(of, to) {
  return of.blocks
    .filter((block) => block.status !== "orphaned")
    .map((block) => ({
      block: block.hash,
      height: block.height,
      time: block.found_at,
      address: to,
      amount: Math.floor(block.coinbase_value / 71),
      status: block.status,
    }));
}

export function audit(of, hash) {
  const block = of.blocks.find((entry) => entry.hash === hash);
  if (!block) return null;
  const outputs = of.payouts.payouts
    .slice(0, 24)
    .map(({ script, address: to, amount }) => ({ script, address: to, expected: amount, found: amount, agrees: true }));
  return {
    block: hash,
    height: block.height,
    share: hash,
    payout_share: of.payouts.payout_share,
    coinbase_value: block.coinbase_value,
    outputs,
    verdict: "agrees",
    steps: [
      `The share ${hash.slice(-10)} is the block: both have the same 80-byte header.`,
      `Its window ends at share ${of.payouts.payout_share.slice(0, 10)}… and holds 86400 shares.`,
      "The coinbase rebuilt from that window has the block's merkle root.",
    ],
  };
}

export function history(of, step, points) {
  const secs = { "1m": 60, "1h": 3600, "1d": 86_400 }[step] ?? 60;
  const rng = random(secs);
  const end = now() - (now() % secs);
  const data = Array.from({ length: of.variant === "empty" ? 0 : points }, (_, index) => {
    const accepted = Math.max(1, Math.round((secs / 60) * (28 + 10 * (rng() - 0.5))));
    return {
      time: end - (points - index) * secs,
      hashrate:
        index > 40 && index < 46 ? null : of.status.hashrate * (1 + 0.1 * Math.sin(index / 17) + 0.18 * (rng() - 0.5)),
      accepted,
      rejected: rng() < 0.1 ? 1 : 0,
    };
  });
  return { step_secs: secs, data };
}
