// The live feed: Server-Sent Events with resume. Knows whether it runs; what events mean is its listeners' business.

import { signal } from "@preact/signals";
import { inLane, lane } from "./lane";
import { backoffMs } from "../model/reconnect";
import { SseParser } from "./sse";
import { authorization } from "./token";
import { EVENT_KINDS, type EventKind, type LiveEvent } from "./types";

export type FeedState = "connecting" | "live" | "waiting";

/** Longest time without a byte: the node sends heartbeats far more often, so the line is dead then. */
const SILENCE_MS_MAX = 60_000;
/** Events that the activity list keeps. */
const RECENT_MAX = 60;

/** Whether events arrive; everything that polls polls faster while they do not. */
export const feedState = signal<FeedState>("connecting");
/** The newest events, newest first, without the shares: those would fill the list in a minute. */
export const recentEvents = signal<readonly LiveEvent[]>([]);
/** Unix seconds of the newest event, by the node's clock. */
export const lastEventTime = signal<number | null>(null);

type Listener = (event: LiveEvent) => void;
const listeners = new Set<Listener>();

/** Calls `listener` for every event until the returned function is called. */
export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

let lastId: number | null = null;
let attempt = 0;
/** Of the stream that is followed. */
let broken = new AbortController();

function isEvent(value: unknown): value is LiveEvent {
  if (value === null || typeof value !== "object") return false;
  const { kind, data } = value as { kind?: unknown; data?: unknown };
  return EVENT_KINDS.includes(kind as EventKind) && typeof data === "object" && data !== null;
}

function take(text: string): void {
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch {
    return;
  }
  if (!isEvent(event)) return;
  if (typeof event.id === "number") lastId = event.id;
  lastEventTime.value = event.time;
  if (event.kind !== "share" && event.kind !== "uncle" && event.kind !== "tip") {
    recentEvents.value = [event, ...recentEvents.value].slice(0, RECENT_MAX);
  }
  for (const listener of listeners) listener(event);
}

/** Reads a stream until it ends; throws when it breaks or falls silent. */
async function read(body: ReadableStream<Uint8Array>, heard: () => boolean): Promise<void> {
  const parser = new SseParser();
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done || !heard()) return;
    for (const { data } of parser.push(value)) take(data);
  }
}

/** Follows the feed once, until it breaks. */
async function follow(): Promise<void> {
  const stream = new AbortController();
  broken = stream;
  let watchdog = setTimeout(() => stream.abort(), SILENCE_MS_MAX);
  const heard = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => stream.abort(), SILENCE_MS_MAX);
    return !stream.signal.aborted;
  };
  try {
    const path = `/api/v1/${inLane("events")}${lastId === null ? "" : `?after=${lastId}`}`;
    const headers = { accept: "text/event-stream", ...authorization() };
    const response = await fetch(path, { headers, signal: stream.signal, cache: "no-store" });
    if (!response.ok || !response.body) return;
    attempt = 0;
    feedState.value = "live";
    await read(response.body, heard);
  } finally {
    clearTimeout(watchdog);
    stream.abort();
  }
}

function keepFollowing(): void {
  const followed = lane.value;
  const again = () => {
    // Another lane was chosen: nothing is wrong.
    if (followed !== lane.value) return keepFollowing();
    feedState.value = "waiting";
    setTimeout(keepFollowing, backoffMs(attempt, Math.random()));
    attempt += 1;
  };
  follow().then(again, again);
}

/** Follows the feed of the lane that is shown, and again from where it broke whenever it breaks. Called once. */
export function startFeed(): void {
  lane.subscribe(() => {
    // Every lane counts its own events.
    lastId = null;
    recentEvents.value = [];
    lastEventTime.value = null;
    broken.abort();
  });
  keepFollowing();
}
