import assert from "node:assert/strict";
import { test } from "node:test";
import { lane } from "../api/lane";
import { href, parse } from "./route";

test("a link leads to its page and subject, also with odd names", () => {
  for (const subject of ["w1", "a/b.c", "50 % & <b>", "ü…"]) {
    assert.deepEqual(parse(href("workers", subject)), { page: "workers", subject, lane: null });
  }
  assert.deepEqual(parse(href("peers")), { page: "peers", subject: null, lane: null });
});

test("whatever else the address bar says opens a page", () => {
  for (const hash of ["", "#", "#/", "#/nonsense/x", "#//", "#/__proto__"]) assert.equal(parse(hash).page, "overview");
  assert.deepEqual(parse("#/chain/%E0%A4%A"), { page: "chain", subject: null, lane: null });
});

test("a link keeps the lane that is shown, and can name another or none", () => {
  lane.value = "second";
  assert.deepEqual(parse(href("workers", "a?b")), { page: "workers", subject: "a?b", lane: "second" });
  assert.deepEqual(parse(href("peers", null, "x&y?")), { page: "peers", subject: null, lane: "x&y?" });
  assert.equal(href("peers", null, null), "#/peers");
  assert.equal(parse("#/nonsense?lane=third").lane, "third");
  assert.equal(parse("#/peers?lane=").lane, null);
  lane.value = null;
});
