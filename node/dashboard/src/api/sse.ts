// Server-Sent Events out of a stream of text, as the HTML standard says. By hand because the browser's EventSource can show no token.

export interface ServerEvent {
  data: string;
}

/** Longest unfinished event, characters. Stops a node that never ends a line from filling the memory. */
const PENDING_MAX = 1 << 20;

/** Takes pieces of a stream in their order and gives the events that they complete. */
export class SseParser {
  private pending = "";

  push(piece: string): ServerEvent[] {
    // A return at the end of a piece may be the first half of a line's end.
    const text = (this.pending + piece).replace(/\r\n/g, "\n").replace(/\r(?!$)/g, "\n");
    const blocks = text.split("\n\n");
    const rest = blocks.pop() ?? "";
    this.pending = rest.length > PENDING_MAX ? "" : rest;
    return blocks.flatMap(eventOf);
  }
}

/** The event of a block of lines; comments and blocks without data are none. */
function eventOf(block: string): ServerEvent[] {
  const lines = block.split("\n").filter((line) => line.startsWith("data:"));
  return lines.length === 0 ? [] : [{ data: lines.map((line) => line.slice(5).replace(/^ /, "")).join("\n") }];
}
