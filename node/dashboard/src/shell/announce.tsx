// Important changes, said to screen readers and shown for a while: a block, a payout, a worker that went away.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { listen } from "../api/live";
import type { Coin, LiveEvent } from "../api/types";
import { sayEvent } from "../model/events";
import type { Tone } from "../model/answers";
import { useCoin } from "./facts";

/** Time that a message stays. */
const SHOWN_MS = 9_000;
/** Messages at once. Stops a thousand workers that leave together from covering the page. */
const SHOWN_MAX = 3;

interface Message {
  key: number;
  tone: Tone;
  text: string;
}

const messages = signal<readonly Message[]>([]);
let nextKey = 0;

function show(event: LiveEvent, coin: Coin | null): void {
  const said = sayEvent(event, coin);
  if (!said?.important) return;
  nextKey += 1;
  const message = { key: nextKey, tone: said.tone, text: said.text };
  messages.value = [...messages.value, message].slice(-SHOWN_MAX);
  setTimeout(() => {
    messages.value = messages.value.filter(({ key }) => key !== message.key);
  }, SHOWN_MS);
}

export function Announcer() {
  const coin = useCoin();
  useEffect(() => listen((event) => show(event, coin)), [coin]);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {messages.value.map(({ key, tone, text }) => (
        <p key={key} class={`toast ${tone}`}>
          {text}
        </p>
      ))}
    </div>
  );
}
