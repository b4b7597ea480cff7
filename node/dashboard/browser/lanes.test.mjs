// The lanes page and the choice of a lane with made-up data of dev/lanes.mjs: one lane, three of which one has failed, fifty.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { broken, launch, leaks, open, overflow, picture, tell, visit } from "./browser.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const chooser = (page) => page.getByRole("combobox", { name: "Lane shown" });

for (const variant of ["lanes", "many", "undecided"]) {
  for (const [width, scheme] of [
    [1600, "light"],
    [1600, "dark"],
    [900, "light"],
    [360, "dark"],
  ]) {
    test(`${variant}: the lanes page at ${width} px, ${scheme}, with a decision open`, () =>
      tell(browser, variant, { width, scheme }, async (page, { url }) => {
        await visit(page, url, "lanes");
        await page.getByRole("heading", { name: "What happens next" }).waitFor();
        if (variant !== "undecided") await page.locator(".decisions summary").nth(2).click();
        assert.deepEqual(await leaks(page), []);
        assert.ok((await overflow(page)) <= 0, "it scrolls sideways");
        assert.deepEqual(await broken(page), []);
        await picture(page, `${variant}-lanes-open-${width}-${scheme}`);
      }));
  }
}

test("one lane: neither a page in the menu nor a choice, and a link to the page says why", () =>
  tell(browser, "normal", {}, async (page, { url }) => {
    await visit(page, url, "lanes");
    await page.getByText("This node has one lane, bitcoin").waitFor();
    assert.equal(await page.getByRole("link", { name: "Lanes" }).count(), 0);
    assert.equal(await chooser(page).count(), 0);
  }));

test("before the first decision the page says so", () =>
  tell(browser, "undecided", {}, async (page, { url }) => {
    await visit(page, url, "lanes");
    await page.locator(".panel").getByText("Nothing was decided yet").waitFor();
    await page.getByText("Every decision appears here").waitFor();
  }));

test("a rehearsal says what it would do, and a failed lane why", () =>
  tell(browser, "lanes", {}, async (page, { url }) => {
    await visit(page, url, "lanes");
    await page.getByText("It would have miners on bitcoin-small-pool, but moves nobody").waitFor();
    await page.getByText("connection refused (os error 111)").waitFor();
    const paid = page.getByRole("row", { name: /^bitcoin / }).getByText(/of it$/);
    await paid.waitFor();
    assert.equal(
      await page
        .getByRole("region", { name: /^Lanes/ })
        .locator("tbody tr")
        .count(),
      3,
    );
  }));

test("decisions: newest first, only moves, older ones, and what else would have been earned", () =>
  tell(browser, "lanes", {}, async (page, { url }) => {
    await visit(page, url, "lanes");
    const entries = page.locator(".decisions li");
    assert.equal(await entries.count(), 20);
    await page.getByRole("button", { name: "Show older ones" }).click();
    await page.waitForFunction(() => document.querySelectorAll(".decisions li").length === 80);
    await page.getByRole("button", { name: "Only moves" }).click();
    await page.waitForFunction(() => document.querySelectorAll(".decisions li").length < 80);
    const words = await page.locator(".decisions b").allInnerTexts();
    assert.ok(words.length > 3 && words.every((text) => /→|back to|of miners/.test(text)), words.join("; "));
    assert.ok(
      words.some((text) => text.startsWith("would ")) && words.some((text) => text.startsWith("bitcoin →")),
      words.join("; "),
    );
    await entries.first().locator("summary").focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "What would have been earned" }).waitFor();
    // It stays open when new ones come.
    await page.getByText("With foresight").waitFor();
  }));

test("a lane is chosen by keyboard, all pages show it, and the address keeps it", () =>
  tell(browser, "lanes", {}, async (page, { url }) => {
    const asked = new Set();
    await visit(page, url, "workers/w1");
    await chooser(page).focus();
    page.on("request", (request) => asked.add(new URL(request.url()).pathname));
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.waitForFunction(() => location.hash === "#/workers?lane=bitcoin-small-pool");
    await page.locator(".network", { hasText: "bitcoin-small-pool" }).waitFor();
    assert.equal(await page.title(), "Workers · bitcoin-small-pool · poolnode");
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), "SELECT");
    await page.locator(".feed.live").waitFor();
    assert.ok(asked.has("/api/v1/lanes/bitcoin-small-pool/events"), [...asked].join(" "));

    asked.clear();
    await page.getByRole("link", { name: "Share chain" }).click();
    await page.waitForFunction(() => location.hash === "#/chain?lane=bitcoin-small-pool");
    await page.locator(".stats.band").getByText("1\u202f000").waitFor();
    const elsewhere = [...asked].filter(
      (path) => path.startsWith("/api/") && !/^\/api\/v1\/lanes(\/bitcoin-small-pool\/|$)/.test(path),
    );
    assert.deepEqual(elsewhere, []);

    await page.reload();
    await page.locator(".network", { hasText: "bitcoin-small-pool" }).waitFor();
    assert.equal(await chooser(page).inputValue(), "bitcoin-small-pool");
    await chooser(page).selectOption("");
    await page.waitForFunction(() => location.hash === "#/chain");
    await page.locator(".network", { hasText: /^bitcoin$/ }).waitFor();
  }));

test("a link from the table of lanes opens the lane, one to a lane that is gone opens the node", async () => {
  await tell(browser, "many", {}, async (page, { url }) => {
    await visit(page, url, "lanes");
    const rows = page.getByRole("region", { name: /^Lanes/ }).locator("tbody tr");
    assert.equal(await rows.count(), 12);
    await page.getByRole("button", { name: "Show all 50" }).click();
    await page.getByRole("link", { name: "lane-30" }).click();
    await page.waitForFunction(() => location.hash === "#/overview?lane=lane-30");
  });
  // The node says that it does not know the lane, which the browser's console repeats.
  await tell(browser, "lanes", {}, async (page, { url }, faults) => {
    await page.goto(`${url}/#/peers?lane=gone`);
    await page.waitForFunction(() => location.hash === "#/peers");
    await page.locator(".network", { hasText: "bitcoin" }).waitFor();
    faults.length = 0;
  });
});
