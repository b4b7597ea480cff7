// What must not be missed: the node is silent, or events do not arrive. Said once, aloud, and taken back when it is over.

import { answeredAt, silentSince } from "../api/resource";
import { feedState } from "../api/live";
import { duration, timeOfDay } from "../format/time";
import { now } from "./now";

/** A single lost answer is no news. */
const PATIENCE_SECS = 2;

export function Notice() {
  const since = silentSince.value;
  const silentSecs = since === null ? 0 : now.value - since / 1000;
  const silent = since !== null && (answeredAt.value === null || silentSecs > PATIENCE_SECS);
  return (
    <div class="notices" role="alert">
      {silent && (
        <div class="notice bad">
          <strong>The node does not answer.</strong>{" "}
          {answeredAt.value === null
            ? "Is it running? This page tries again by itself."
            : `You see what it said at ${timeOfDay(answeredAt.value / 1000)}, ${duration(silentSecs)} ago. Trying again by itself.`}
        </div>
      )}
    </div>
  );
}

const FEED_WORDS = { connecting: "connecting", live: "live", waiting: "polling" } as const;

/** Whether what is seen is live. */
export function FeedBadge() {
  const silent = silentSince.value !== null;
  const state = silent ? "offline" : FEED_WORDS[feedState.value];
  return (
    <span class={`feed ${state}`} title={silent ? "the node does not answer" : `events: ${state}`}>
      <i aria-hidden="true" />
      {state}
    </span>
  );
}
