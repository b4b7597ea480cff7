// A headless Chromium for the tests, quiet on the network, and a page that remembers what went wrong in it.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { serve } from "../dev/server.mjs";

const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const PAGES = ["overview", "workers", "chain", "blocks", "peers", "lanes", "health", "connect"];
/** Longest wait for something to appear: a page of a busy machine. */
export const PATIENCE_MS = 20_000;

export const launch = () => chromium.launch({ executablePath: EXECUTABLE, headless: true, args: FLAGS });

/** A page in a context of its own, and the list that every fault in it is added to. */
export async function open(browser, { width = 1600, height = 1000, scheme = "light" } = {}) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const faults = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning")
      faults.push(`${message.type()}: ${message.text()} ${message.location().url}`);
  });
  page.on("pageerror", (error) => faults.push(`exception: ${error.message}`));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(page.url() === "about:blank" ? request.url() : page.url()).origin)
      faults.push(`foreign request: ${request.url()}`);
  });
  return { page, context, faults };
}

/** Runs `story` with a page on a server of this variant, and demands that nothing went wrong in it. */
export async function tell(browser, variant, options, story) {
  const server = await serve(variant);
  const { page, context, faults } = await open(browser, options);
  try {
    await story(page, server, faults);
    assert.deepEqual(faults, []);
  } finally {
    await context.close();
    await server.close();
  }
}

/** Opens a page of the dashboard and waits until it has its first answers. */
export async function visit(page, base, name) {
  await page.goto(`${base}/#/${name}`);
  await page.waitForSelector("main h1");
  await page.waitForFunction(
    () => !/Asking (for|the node)|asking the node/.test(document.querySelector("main")?.innerText ?? ""),
    undefined,
    { timeout: PATIENCE_MS },
  );
}

/** What must never be on screen. */
export const leaks = (page) =>
  page.evaluate(() => document.body.innerText.match(/.{0,30}\b(NaN|undefined|null|Infinity|\[object)\b.{0,30}/g) ?? []);

/** How far the page can be scrolled sideways; 0 is right. */
export const overflow = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

let axe;

/** Rules of accessibility that the page breaks, with where. */
export async function broken(page) {
  axe ??= readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
  });
}

/** Tallest page that is kept whole, pixels: ten thousand rows are no picture. */
const PICTURE_HEIGHT_MAX = 8_000;

/** Keeps a picture, if a folder for pictures is named by SCREENSHOTS. */
export async function picture(page, name) {
  const folder = process.env.SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  const fullPage = (await page.evaluate(() => document.documentElement.scrollHeight)) <= PICTURE_HEIGHT_MAX;
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage });
}
