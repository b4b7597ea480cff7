// Serves dist/ and answers of dev/fixtures.mjs, with the node's own security headers. For development and layout tests only:
//   node dev/server.mjs [normal|empty|one|large|sick|public|private|lanes|many|undecided] [port]

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { laneNames, lanes } from "./lanes.mjs";
import { audit, history, miner, paid, random, world } from "./fixtures.mjs";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};
const CSP = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

function page(all, query) {
  const limit = Math.min(1000, Math.max(1, Number(query.get("limit") ?? 100)));
  const from = Number(query.get("cursor") ?? 0);
  const data = all.slice(from, from + limit);
  return {
    data,
    meta: { count: data.length, total: all.length, next: from + limit < all.length ? String(from + limit) : null },
  };
}

function answer(of, path, query) {
  const [head, ...rest] = path.split("/");
  const subject = decodeURIComponent(rest.at(-1) ?? "");
  switch (head) {
    case "status":
      return of.status;
    case "nearest":
      return page(of.nearest, query);
    case "lanes":
      if (rest.length === 0) return page(of.lanes.list, query);
      return of.ofLanes.has(rest[0]) ? answer(of.ofLanes.get(rest[0]), rest.slice(1).join("/"), query) : null;
    case "switching":
      return rest[0] === "decisions" ? page(of.lanes.decisions, query) : of.lanes.switching;
    case "health":
      return of.health;
    case "connect":
      return of.connect;
    case "network":
      return of.network;
    case "workers":
      return page(of.workers, query);
    case "miners":
      return subject.includes("…") ? null : miner(of, subject);
    case "peers":
      return rest[0] === "bans" ? page(of.bans, query) : page(of.peers, query);
    case "blocks":
      return page(of.blocks, query);
    case "diagnostics":
      return page([...of.findings, ...of.fine], query);
    case "parent":
      return {
        ...of.parent,
        difficulty: 1.263e14,
        template: of.parent.ready
          ? {
              height: 901_224,
              age_secs: 9,
              transactions: 3120,
              coinbase_value: 313_812_345,
              fees: 1_312_345,
              bits: "17034219",
            }
          : null,
      };
    case "payouts":
      if (rest[0] === "history") return page(paid(of, query.get("address")), query);
      if (rest[0] === "audit") return audit(of, subject);
      return of.payouts;
    case "shares": {
      if (rest[0] === "dag") return { data: of.shares, meta: { count: of.shares.length } };
      if (rest.length === 0) return page(of.shares.slice(-40), query);
      const share = of.shares.find(({ id }) => id === subject);
      return share
        ? {
            ...share,
            work: share.work_hashes,
            count: 499_000,
            payout_address: share.address,
            prev_block: of.parent.tip,
            block_height: 901_224,
            coinbase_value: 313_812_345,
            linked_at: share.time + 1,
            total_work: 1,
            payouts: [],
          }
        : null;
    }
    case "history":
      return history(of, query.get("step"), Number(query.get("points") ?? 180));
    default:
      return null;
  }
}

/** A share about every second, and now and then something rarer. */
function play(of, send) {
  const rng = random(99);
  let id = 1;
  const emit = (kind, data) => {
    send({ id, time: Math.floor(Date.now() / 1000), kind, data });
    id += 1;
  };
  let loose = [];
  return setInterval(() => {
    if (of.shares.length === 0) return;
    const tip = [...of.shares].reverse().find(({ selected }) => selected);
    const share = {
      ...tip,
      id: Array.from({ length: 64 }, () => Math.floor(rng() * 16).toString(16)).join(""),
      parent: tip.id,
      uncles: [],
      time: Math.floor(Date.now() / 1000),
      is_block: false,
      work_hashes: 2 ** (44 + Math.floor(rng() * 6)),
      address: of.shares[Math.floor(rng() * of.shares.length)].address,
    };
    const main = rng() < 0.4;
    share.height = tip.height + 1;
    share.uncles = main ? loose : [];
    share.selected = main;
    of.shares.push(share);
    of.status.share_height = share.height;
    emit("share", { ...share, own: false, worker: null });
    if (main) {
      loose = [];
      emit("tip", { id: share.id, height: share.height });
    } else loose.push(share.id);
    const luck = rng();
    if (luck < 0.03) emit("template", { height: 901_225, transactions: 2900, coinbase_value: 313_000_000 });
    else if (luck < 0.05) emit("worker_off", { address: of.own[0], worker: "garage00" });
    else if (luck < 0.07) emit("worker_on", { address: of.own[0], worker: "garage00", agent: "cgminer/4" });
    else if (luck < 0.08) emit("block_found", { hash: share.id, height: 901_224, own: true });
    else if (luck < 0.1) emit("peer_on", { peer_id: "12D3KooWabcdef", region: "OC", direction: "inbound" });
  }, 1000);
}

/** A node with its lanes; all but the first are small pools with one miner. */
function worldOfLanes(variant) {
  const of = { ...world(variant), lanes: lanes(variant) };
  const small = (name, index) => {
    const lane = world("one");
    Object.assign(lane.status, { network: name, share_height: 1_000 * index });
    return lane;
  };
  of.ofLanes = new Map(laneNames(variant).map((name, index) => [name, index === 0 ? of : small(name, index)]));
  return of;
}

/** Starts the server; gives its URL and how to end it. */
export async function serve(variant, port = 0) {
  const of = worldOfLanes(variant);
  const clients = new Set();
  const timer = play(of, (event) => {
    for (const client of clients)
      client.write(`id: ${event.id}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`);
  });
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    response.setHeader("content-security-policy", CSP);
    response.setHeader("x-content-type-options", "nosniff");
    if (variant === "private" && pathname.startsWith("/api/") && request.headers.authorization !== "Bearer secret") {
      response.writeHead(401, { "content-type": "application/problem+json" });
      response.end(JSON.stringify({ title: "not allowed", status: 401, detail: "show the token" }));
      return;
    }
    const feed = /^\/api\/v1\/(?:lanes\/([^/]+)\/)?events$/.exec(pathname);
    if (feed) {
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
      response.write(": hello\n\n");
      // Only on the first lane does anything happen.
      if (!feed[1] || of.ofLanes.get(feed[1]) === of) clients.add(response);
      request.on("close", () => clients.delete(response));
      return;
    }
    if (pathname.startsWith("/api/v1/")) {
      const body = answer(of, pathname.slice("/api/v1/".length), searchParams);
      response.writeHead(body ? 200 : 404, { "content-type": body ? "application/json" : "application/problem+json" });
      response.end(
        JSON.stringify(
          body ?? { type: "about:blank", title: "not found", status: 404, detail: "there is no such thing" },
        ),
      );
      return;
    }
    const name = pathname === "/" ? "index.html" : pathname.slice(1);
    try {
      const bytes = name.includes("..") ? null : await readFile(new URL(`../dist/${name}`, import.meta.url));
      response.writeHead(bytes ? 200 : 404, { "content-type": TYPES[extname(name)] ?? "text/plain" });
      response.end(bytes ?? "");
    } catch {
      response.writeHead(404).end("not found");
    }
  });
  // Node closes idle connections after 5 s, which is when pages ask again: a request would now and then meet the closing.
  server.keepAliveTimeout = 120_000;
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  const close = () => {
    clearInterval(timer);
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${server.address().port}`, world: of, close };
}

if (import.meta.filename === process.argv[1]) {
  const { url } = await serve(process.argv[2] ?? "normal", Number(process.argv[3] ?? 13390));
  console.log(url);
}
