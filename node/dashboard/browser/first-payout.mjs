// How long a newcomer waits: from the start of `poolnode quickstart` until a browser shows the first share and the first payout.
//
//   node browser/first-payout.mjs ../../target/release/poolnode
//
// One JSON line, seconds. Nothing is asserted: how soon a block comes is chance, and the machine's part is for who reads the figure.
// The browser runs before the clock does.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { launch, open, visit } from "./browser.mjs";

/** The devnet finds a block about every half a minute; this is the unluckiest of many thousand runs. */
const PATIENCE_MS = 300_000;

const program = process.argv[2];
if (!program) {
  console.error("usage: node browser/first-payout.mjs PATH-OF-POOLNODE");
  process.exit(2);
}

/** Where the dashboard is, as the program says it. */
async function dashboardOf(lines) {
  for await (const line of lines) {
    const url = /^\s*dashboard\s+(http\S+)/.exec(line)?.[1];
    if (url) return url;
  }
  throw new Error(`${program} quickstart ended without a dashboard`);
}

const browser = await launch();
const started = performance.now();
const seconds = () => Math.round((performance.now() - started) / 100) / 10;
const pool = spawn(program, ["quickstart"], { stdio: ["ignore", "pipe", "inherit"] });
try {
  const lines = createInterface({ input: pool.stdout });
  const url = await dashboardOf(lines);
  // A pipe that nobody reads would stop it.
  pool.stdout.resume();
  const ready = seconds();
  /** When a page shows this. */
  const shown = async (name, selector) => {
    const { page } = await open(browser);
    await visit(page, url, name);
    await page.locator(selector).first().waitFor({ state: "attached", timeout: PATIENCE_MS });
    return seconds();
  };
  const [first_share, first_payout] = await Promise.all([
    shown("chain", ".dag .share"),
    shown("blocks", "table:has(caption:text('Payouts to the chosen address')) tbody tr"),
  ]);
  console.log(JSON.stringify({ ready, first_share, first_payout }));
} finally {
  pool.kill("SIGINT");
  await Promise.all([pool.exitCode === null ? once(pool, "exit") : null, browser.close()]);
}
