// Events in one line each.

import type { Coin, LiveEvent } from "../api/types";
import { amount } from "../format/coins";
import { name, region, short } from "../format/text";
import { count, plural } from "../format/units";
import type { Tone } from "./answers";

export interface Said {
  tone: Tone;
  text: string;
  /** Whether it is worth an interruption. */
  important: boolean;
}

/** What an event says; nothing for those that are drawn instead. */
export function sayEvent(event: LiveEvent, coin: Coin | null): Said | null {
  const say = (tone: Tone, text: string, important = false): Said => ({ tone, text, important });
  switch (event.kind) {
    case "block_found":
      return say(
        "good",
        `${event.data.own ? "A miner of this node" : "The pool"} found block ${count(event.data.height)}`,
        true,
      );
    case "block_confirmed":
      return say("good", `Block ${count(event.data.height)} is confirmed`);
    case "block_orphaned":
      return say("warn", `Block ${count(event.data.height)} was orphaned and pays nothing`, true);
    case "payout":
      return say(
        "good",
        `${amount(event.data.amount, coin)} paid to ${short(event.data.address)} in block ${count(event.data.height)}`,
        true,
      );
    case "worker_on":
      return say("quiet", `${name(event.data.worker, "A worker")} connected`);
    case "worker_off":
      return say("warn", `${name(event.data.worker, "A worker")} disconnected`, true);
    case "peer_on":
      return say("quiet", `A node in ${region(event.data.region)} connected`);
    case "peer_off":
      return say("quiet", `Node ${short(event.data.peer_id, 4, 5)} left`);
    case "template":
      return say(
        "quiet",
        `New work for block ${count(event.data.height)}, ${plural(event.data.transactions, "transaction")}`,
      );
    case "warning":
      return say("warn", name(event.data.text, "A warning without words"), true);
    case "gap":
      return say("quiet", `${plural(event.data.missed, "event")} missed while this page was away`);
    case "share":
    case "uncle":
    case "tip":
      return null;
  }
}
