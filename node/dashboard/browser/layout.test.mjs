// Every page with made-up data of dev/fixtures.mjs: nothing yet, one miner, many, ten thousand, and a node in trouble.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { serve } from "../dev/server.mjs";
import { PAGES, broken, launch, leaks, open, overflow, picture, tell as tellIn, visit } from "./browser.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const tell = (...told) => tellIn(browser, ...told);

for (const variant of ["empty", "one", "normal", "sick", "public", "lanes"]) {
  for (const [width, scheme] of [
    [1600, "light"],
    [1600, "dark"],
    [900, "light"],
    [360, "dark"],
  ]) {
    test(`${variant}: every page at ${width} px, ${scheme}`, () =>
      tell(variant, { width, scheme }, async (page, { url }) => {
        for (const name of PAGES) {
          await visit(page, url, name);
          assert.deepEqual(await leaks(page), [], name);
          assert.ok((await overflow(page)) <= 0, `${name} scrolls sideways`);
          await picture(page, `${variant}-${name}-${width}-${scheme}`);
        }
      }));
  }
}

for (const scheme of ["light", "dark"]) {
  test(`no rule of axe is broken, ${scheme}`, () =>
    tell("sick", { scheme }, async (page, { url }) => {
      for (const name of [...PAGES, "workers/w1"]) {
        await visit(page, url, name);
        assert.deepEqual(await broken(page), [], name);
      }
    }));
}

test("ten thousand workers: few rows in the page, sorted and searched at once", () =>
  tell("large", {}, async (page, { url, world }) => {
    await visit(page, url, "workers");
    await page.waitForSelector("table.workers tbody tr[aria-rowindex]");
    const rows = () => page.locator("table.workers tbody tr[aria-rowindex]").count();
    assert.ok((await rows()) < 60);
    assert.equal(await page.locator("table.workers").getAttribute("aria-rowcount"), "10001");

    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    await page.waitForSelector('tr[aria-rowindex="10001"]');
    assert.ok((await rows()) < 60);

    await page.evaluate(() => scrollTo(0, 0));
    const started = performance.now();
    await page.getByRole("button", { name: "Worker" }).click();
    // The very first is the name that tries to turn the line around, which is not shown as it is.
    const second = [...world.workers]
      .map(({ worker }) => worker)
      .sort(new Intl.Collator("en", { numeric: true }).compare)[1];
    await picture(page, "large-workers");
    await page.waitForFunction(
      (name) => document.querySelector('tr[aria-rowindex="3"] a')?.textContent === name,
      second,
    );
    await page.getByRole("searchbox").fill("rack-b-9997");
    await page.waitForFunction(() => document.querySelectorAll("tr[aria-rowindex]").length < 4);
    console.log(`sorting and searching took ${Math.round(performance.now() - started)} ms`);
    assert.match(await page.locator("th[aria-sort=ascending]").innerText(), /^Worker\s*↑$/);
  }));

test("names from the network are text, whatever they contain", () =>
  tell("normal", {}, async (page, { url }) => {
    await visit(page, url, "workers");
    await page.getByText("<b>bold</b>gnp.exe").first().waitFor();
    assert.equal(await page.locator("table.workers b, table.workers img").count(), 0);
  }));

test("shares appear as they come, without asking again", () =>
  tell("normal", {}, async (page, { url }) => {
    const asked = [];
    await visit(page, url, "chain");
    await page.locator(".feed.live").waitFor();
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    const count = () => page.locator(".dag .share").count();
    const newest = await page.locator(".dag .share").last().locator("title").textContent();
    await page.waitForFunction(
      (title) => document.querySelector(".dag .share:last-of-type title")?.textContent !== title,
      newest,
    );
    assert.ok((await count()) > 0);
    assert.ok(!asked.includes("/api/v1/shares/dag"));
  }));

test("a click on a share and on a block shows it, and the way back", () =>
  tell("normal", {}, async (page, { url, world }) => {
    await visit(page, url, "chain");
    await page.locator(".dag .share.selected").nth(20).click();
    await page.getByRole("heading", { name: "Share", exact: true }).waitFor();
    await page.getByRole("link", { name: "Close this share" }).click();
    await page.waitForFunction(() => location.hash === "#/chain");
    await visit(page, url, `blocks/${world.blocks[1].hash}`);
    await page.getByText("every output agrees").waitFor();
    await picture(page, "normal-audit");
  }));

test("on a public page a visitor says which address is theirs, and it is kept", () =>
  tell("public", {}, async (page, { url }) => {
    await visit(page, url, "overview");
    await page.getByText("Say which address is yours").waitFor();
    await page.getByLabel("Your payout address").fill("bc1qmine0000000000000000000000000000000000");
    await page.keyboard.press("Enter");
    await page.getByText("Your work is not in the window yet").waitFor();
    await page.reload();
    await page.getByText("Your work is not in the window yet").waitFor();
  }));

test("a private node asks for its token, and is live with it", async () => {
  const server = await serve("private");
  const { page, context } = await open(browser);
  await page.goto(`${server.url}/#/chain`);
  await page.getByLabel("Token").fill("wrong");
  await page.keyboard.press("Enter");
  await page.getByText("The node did not take that token.").waitFor();
  await page.getByLabel("Token").fill("secret");
  await page.keyboard.press("Enter");
  await page.locator(".dag .share").first().waitFor();
  await page.locator(".feed.live").waitFor();
  await page.reload();
  await page.locator(".dag .share").first().waitFor();
  await context.close();
  await server.close();
});

test("the theme is switched by hand and stays", () =>
  tell("one", { scheme: "light" }, async (page, { url }) => {
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await visit(page, url, "overview");
    const light = await background();
    await page.getByRole("button", { name: /^Theme: auto/ }).click();
    await page.getByRole("button", { name: /^Theme: light/ }).click();
    const dark = await background();
    assert.notEqual(dark, light);
    await page.reload();
    await page.waitForSelector("main h1");
    assert.equal(await background(), dark);
  }));

test("the keyboard reaches everything that the mouse does", () =>
  tell("normal", {}, async (page, { url }) => {
    await visit(page, url, "overview");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Skip to the content");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement?.id), "main");
    await page.getByRole("link", { name: "Workers", exact: true }).focus();
    await page.keyboard.press("Enter");
    await page.waitForFunction(
      () => document.activeElement?.tagName === "H1" && document.activeElement.textContent === "Workers",
    );
    const outline = await page.getByRole("link", { name: "Peers", exact: true }).evaluate((link) => {
      link.focus();
      return getComputedStyle(link).outlineStyle;
    });
    assert.equal(outline, "solid");
  }));

test("a silent node is said aloud, and the page comes back by itself", async () => {
  const server = await serve("normal");
  const { page, context } = await open(browser);
  await visit(page, server.url, "overview");
  await page.locator(".feed.live").waitFor();
  await server.close();
  await page.getByRole("alert").getByText("The node does not answer.").waitFor();
  await picture(page, "normal-silent");
  const again = await serve("normal", Number(new URL(server.url).port));
  await page.locator(".notice").waitFor({ state: "detached" });
  await page.locator(".feed.live").waitFor();
  await context.close();
  await again.close();
});

test("a QR code holds the address that it stands beside", () =>
  tell("one", {}, async (page, { url, world }) => {
    await visit(page, url, "connect");
    for (const { url: address } of world.connect.urls) {
      await page.getByRole("button", { name: `Show ${address} as QR code` }).click();
      await page.getByRole("img", { name: `QR code of ${address}` }).waitFor();
      assert.ok(((await page.locator(".qr .dark").getAttribute("d")) ?? "").length > 500);
    }
  }));

test("an address is copied with one click, and the button says so", () =>
  tell("one", {}, async (page, { url }) => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await visit(page, url, "connect");
    await page.getByRole("button", { name: "Copy stratum+tcp://192.168.1.20:3333" }).click();
    await page.getByText("Copied").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "stratum+tcp://192.168.1.20:3333");
  }));

test("a long visit forgets what nobody looks at, and nothing that is on the page", () =>
  tell("normal", {}, async (page, { url, world }) => {
    await visit(page, url, "chain");
    const height = () => page.locator(".stats.band dd").first().innerText();
    for (const { id } of world.shares.slice(0, 80)) {
      await page.evaluate((share) => {
        location.hash = `#/chain/${share}`;
      }, id);
      await page.getByText(id, { exact: true }).waitFor();
      assert.notEqual(await height(), "–");
    }
  }));
