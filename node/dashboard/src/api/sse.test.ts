import assert from "node:assert/strict";
import { test } from "node:test";
import { SseParser } from "./sse";

const STREAM =
  ': hello\n\nid: 1\nevent: tip\ndata: {"a":1}\n\ndata: two\ndata:  lines\n\n: heartbeat\n\nid: 3\n\ndata: end\n\n';
const EXPECTED = ['{"a":1}', "two\n lines", "end"];

function parsed(pieces: string[]): string[] {
  const parser = new SseParser();
  return pieces.flatMap((piece) => parser.push(piece)).map(({ data }) => data);
}

test("events come out the same however the stream is cut, with every kind of line end", () => {
  for (const end of ["\n", "\r\n"]) {
    const stream = STREAM.replaceAll("\n", end);
    for (let length = 1; length < stream.length; length += 1) {
      const pieces = stream.match(new RegExp(`[^]{1,${length}}`, "g")) ?? [];
      assert.deepEqual(parsed(pieces), EXPECTED, `${JSON.stringify(end)} in pieces of ${length}`);
    }
  }
});

test("an event without an end is not kept for ever", () => {
  const parser = new SseParser();
  for (let times = 0; times < 5; times += 1) assert.deepEqual(parser.push("data: ".padEnd(1 << 19, "x")), []);
  parser.push("\n\n");
  assert.deepEqual(parser.push("data: well\n\n"), [{ data: "well" }]);
});
