// What must not be missed: the node is silent, or it became another version. Said once, aloud, and taken back when it is over.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { answeredAt, silentSince } from "../api/resource";
import { feedState } from "../api/live";
import { duration, timeOfDay } from "../format/time";
import { name } from "../format/text";
import { useStatus } from "./facts";
import { now } from "./now";

/** A single lost answer is no news. */
const PATIENCE_SECS = 2;

/** The version that this page came with: the first that the node named. */
const firstVersion = signal<string | null>(null);

function useUpgrade(): string | null {
  const version = useStatus().data.value?.version ?? null;
  useEffect(() => {
    firstVersion.value ??= version;
  }, [version]);
  return version !== null && firstVersion.value !== null && version !== firstVersion.value ? version : null;
}

export function Notice() {
  const upgraded = useUpgrade();
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
      {upgraded !== null && (
        <div class="notice good">
          The node now runs version {name(upgraded)}.{" "}
          <button type="button" class="copy" onClick={() => location.reload()}>
            Load its page
          </button>
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
