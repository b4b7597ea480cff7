// The dashboard as a real node serves it: POOLNODE_URL names one with a miner that finds shares. Skipped without.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PAGES, launch, leaks, open, overflow, picture, visit } from "./browser.mjs";

const URL_OF_NODE = process.env.POOLNODE_URL?.replace(/\/$/, "");
const story = (name, run) => test(name, { skip: URL_OF_NODE ? false : "POOLNODE_URL is not set" }, run);

let browser;
before(async () => {
  if (URL_OF_NODE) browser = await launch();
});
after(() => browser?.close());

async function api(path) {
  const response = await fetch(`${URL_OF_NODE}/api/v1/${path}`);
  assert.ok(response.ok, `${path}: ${response.status}`);
  return response.json();
}

for (const [width, scheme] of [
  [1600, "light"],
  [1600, "dark"],
  [360, "light"],
  [360, "dark"],
]) {
  story(`node: every page at ${width} px, ${scheme}`, async () => {
    const { page, context, faults } = await open(browser, { width, height: width < 500 ? 780 : 1000, scheme });
    for (const name of PAGES) {
      await visit(page, URL_OF_NODE, name);
      assert.deepEqual(await leaks(page), [], name);
      assert.ok((await overflow(page)) <= 0, `${name} scrolls sideways`);
      const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor === "rgb(12, 17, 16)");
      assert.equal(dark, scheme === "dark", name);
      await picture(page, `node-${name}-${width}-${scheme}`);
    }
    assert.deepEqual(faults, []);
    await context.close();
  });
}

story("node: the four questions are answered", async () => {
  const { page, context, faults } = await open(browser);
  await visit(page, URL_OF_NODE, "overview");
  await page.locator(".answer .headline").nth(3).waitFor();
  const { miners } = await api("status");
  const working = page.locator(".answer").first();
  if (miners > 0)
    await working
      .getByText(/working|waits? for work|Connected|needs? a look/)
      .first()
      .waitFor();
  else await working.getByText("No miner is connected yet").waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

story("node: a share that is found appears live", async () => {
  const { page, context, faults } = await open(browser);
  await visit(page, URL_OF_NODE, "chain");
  await page.locator(".feed.live").waitFor();
  const { share_height: height } = await api("status");
  await page.waitForFunction(
    (before) =>
      [...document.querySelectorAll(".dag .share title")].some(
        ({ textContent }) => Number(/height (\d+)/.exec(textContent ?? "")?.[1]) > before,
      ),
    height,
    { timeout: 60_000 },
  );
  await picture(page, "node-live-share");
  assert.deepEqual(faults, []);
  await context.close();
});

story("node: the miner is in the list, with its hash rate and its panel", async () => {
  const { data } = await api("workers");
  const { page, context, faults } = await open(browser);
  await visit(page, URL_OF_NODE, "workers");
  if (data.length > 0) {
    await page.locator("table.workers tbody a").first().click();
    await page.getByRole("heading", { name: "Refused work" }).waitFor();
    assert.deepEqual(await leaks(page), []);
    await picture(page, "node-worker");
  }
  assert.deepEqual(faults, []);
  await context.close();
});

story("node: the lanes page says what happens next, and every page shows a lane that is chosen", async () => {
  const { data: lanes } = await api("lanes");
  const { page, context, faults } = await open(browser);
  await visit(page, URL_OF_NODE, "lanes");
  if (lanes.length < 2) {
    await page.getByText("This node has one lane").waitFor();
  } else {
    await page.getByText(/^\s*Miners stay on|^\s*It would have miners on/).waitFor();
    assert.equal(
      await page
        .getByRole("region", { name: /^Lanes/ })
        .locator("tbody tr")
        .count(),
      lanes.length,
    );
    await page.locator(".decisions summary").last().click();
    await page.getByText("Miners were to be on").waitFor();
    assert.deepEqual(await leaks(page), []);
    await picture(page, "node-lanes-open");
    const { name } = lanes.at(-1);
    await page.getByRole("combobox", { name: "Lane shown" }).selectOption(name);
    await page.waitForFunction((lane) => location.hash === `#/lanes?lane=${lane}`, name);
    for (const shown of PAGES) {
      await visit(page, URL_OF_NODE, `${shown}?lane=${name}`);
      assert.deepEqual(await leaks(page), [], shown);
      assert.ok((await page.title()).includes(name), shown);
      await picture(page, `node-${shown}-of-${name}`);
    }
    await page.locator(".feed.live").waitFor();
  }
  assert.deepEqual(faults, []);
  await context.close();
});

story("node: its page forbids scripts and styles of others", async () => {
  const response = await fetch(`${URL_OF_NODE}/`);
  assert.match(response.headers.get("content-security-policy") ?? "", /default-src 'self'/);
  assert.doesNotMatch(response.headers.get("content-security-policy") ?? "", /unsafe-inline|unsafe-eval/);
  const asset = /src="([^"]+)"/.exec(await response.text())?.[1];
  const script = await fetch(new URL(asset, URL_OF_NODE));
  assert.equal(script.status, 200);
  assert.match(script.headers.get("cache-control") ?? "", /immutable/);
});
