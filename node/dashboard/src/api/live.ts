// The live feed: Server-Sent Events with resume. Knows whether it runs; what events mean is its listeners' business.

import { signal } from "@preact/signals";
import { backoffMs } from "../model/reconnect";
import { EVENT_KINDS, type EventKind, type LiveEvent } from "./types";

export type FeedState = "connecting" | "live" | "waiting";

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

/** Opens the feed, and again whenever it breaks, from where it broke. Called once. */
export function startFeed(): void {
  const source = new EventSource(lastId === null ? "/api/v1/events" : `/api/v1/events?after=${lastId}`);
  source.onopen = () => {
    attempt = 0;
    feedState.value = "live";
  };
  for (const kind of EVENT_KINDS)
    source.addEventListener(kind, (message) => take((message as MessageEvent<string>).data));
  source.onerror = () => {
    // The browser's own retry has neither patience nor our resume after a refusal.
    source.close();
    feedState.value = "waiting";
    setTimeout(startFeed, backoffMs(attempt, Math.random()));
    attempt += 1;
  };
}
