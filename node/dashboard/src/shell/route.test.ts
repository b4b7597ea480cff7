import assert from "node:assert/strict";
import { test } from "node:test";
import { href, parse } from "./route";

test("a link leads to its page and subject, also with odd names", () => {
  for (const subject of ["w1", "a/b.c", "50 % & <b>", "ü…"]) {
    assert.deepEqual(parse(href("workers", subject)), { page: "workers", subject });
  }
  assert.deepEqual(parse(href("peers")), { page: "peers", subject: null });
});

test("whatever else the address bar says opens a page", () => {
  for (const hash of ["", "#", "#/", "#/nonsense/x", "#//", "#/__proto__"]) assert.equal(parse(hash).page, "overview");
  assert.deepEqual(parse("#/chain/%E0%A4%A"), { page: "chain", subject: null });
});
