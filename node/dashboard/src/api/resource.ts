// What pages show: answers of the node that refresh themselves while somebody looks at them.

import { signal, type ReadonlySignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { inLane } from "./lane";
import { feedState, listen } from "./live";
import { Refused, Unreachable, get } from "./client";
import type { EventKind, LiveEvent } from "./types";

/** How the node answers as a whole: since when it does not, in milliseconds of this browser's clock. */
export const silentSince = signal<number | null>(null);
/** When it answered last. */
export const answeredAt = signal<number | null>(null);

/** Events come in bursts; a burst is one question. */
const BURST_MS = 400;
/** Poll at least this often while no events arrive. */
const POLL_MS_WITHOUT_FEED = 3_000;
/** Time until a question is asked again that was refused for good. */
const REFUSED_MS = 30_000;
/** Answers kept for pages that are opened again. Stops a long visit of thousands of share pages from filling the memory. */
const KEPT_MAX = 60;

export interface Policy {
  /** Time between looks while events arrive, milliseconds. */
  every: number;
  /** Longest wait for the answer, milliseconds, where it takes longer than others. */
  patience?: number;
  /** Asked of the node, whichever lane is shown. */
  ofNode?: boolean;
  /** Events that make the answer old. */
  on?: readonly EventKind[];
}

export interface Resource<T> {
  /** The newest answer; the last good one while the node is silent. */
  readonly data: ReadonlySignal<T | null>;
  /** Why there is none. */
  readonly refused: ReadonlySignal<string | null>;
}

export function noteAnswer(reached: boolean): void {
  if (reached) {
    answeredAt.value = Date.now();
    silentSince.value = null;
  } else {
    silentSince.value ??= Date.now();
  }
}

class Polled<T> implements Resource<T> {
  readonly data = signal<T | null>(null);
  readonly refused = signal<string | null>(null);
  private lookers = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private dueAt: number | null = null;
  private asking = false;
  /** Whether the same question will be refused again. */
  private hopeless = false;
  private unlisten: (() => void) | undefined;

  constructor(
    private readonly load: () => Promise<T>,
    private readonly policy: Policy,
  ) {}

  start(): () => void {
    this.lookers += 1;
    if (this.lookers === 1) {
      this.unlisten = listen((event) => this.onEvent(event));
      void this.ask();
    }
    return () => {
      this.lookers -= 1;
      if (this.lookers > 0) return;
      clearTimeout(this.timer);
      this.dueAt = null;
      this.unlisten?.();
    };
  }

  get isIdle(): boolean {
    return this.lookers === 0;
  }

  private onEvent({ kind }: LiveEvent): void {
    if (kind === "gap" || this.policy.on?.includes(kind)) this.schedule(BURST_MS);
  }

  /** Asks after `wait`, or earlier if that was planned: events without end must not put the question off. */
  private schedule(wait: number): void {
    const at = performance.now() + wait;
    if (this.lookers === 0 || (this.dueAt !== null && this.dueAt <= at)) return;
    clearTimeout(this.timer);
    this.dueAt = at;
    this.timer = setTimeout(() => {
      this.dueAt = null;
      void this.ask();
    }, wait);
  }

  private async ask(): Promise<void> {
    if (this.asking) return;
    // Nobody looks at a hidden page; a second later it is asked whether somebody does.
    if (document.hidden && this.data.value !== null) return this.schedule(1_000);
    this.asking = true;
    try {
      this.data.value = await this.load();
      this.refused.value = null;
      this.hopeless = false;
      noteAnswer(true);
    } catch (error) {
      if (error instanceof Refused) {
        this.refused.value = error.message;
        this.hopeless = error.isForGood;
      }
      noteAnswer(!(error instanceof Unreachable));
    } finally {
      this.asking = false;
      this.schedule(this.nextWait());
    }
  }

  askNow(): void {
    this.hopeless = false;
    this.schedule(0);
  }

  private nextWait(): number {
    if (this.hopeless) return Math.max(this.policy.every, REFUSED_MS);
    const isLive = feedState.value === "live" && silentSince.value === null;
    return isLive ? this.policy.every : Math.min(this.policy.every, POLL_MS_WITHOUT_FEED);
  }
}

/** Asks all questions of this page anew: the visitor has shown a token. */
export function askAgain(): void {
  for (const polled of kept.values()) polled.askNow();
}

const kept = new Map<string, Polled<unknown>>();

function keep<T>(key: string, load: () => Promise<T>, policy: Policy): Polled<T> {
  const known = kept.get(key);
  if (known) return known as Polled<T>;
  const made = new Polled(load, policy);
  kept.set(key, made as Polled<unknown>);
  // The oldest that nobody looks at; what is on the page stays.
  const idle = [...kept].find(([other, { isIdle }]) => isIdle && other !== key);
  if (kept.size > KEPT_MAX && idle) kept.delete(idle[0]);
  return made;
}

const NEVER: Resource<never> = { data: signal(null), refused: signal(null) };

/** The answer at `path` below /api/v1, kept fresh while the component is on the page. No path asks nothing. */
export function useResource<T>(path: string | null, policy: Policy): Resource<T> {
  const whole = path === null || policy.ofNode ? path : inLane(path);
  const resource = whole === null ? null : keep<T>(whole, () => get<T>(whole, policy.patience), policy);
  useEffect(() => resource?.start(), [resource]);
  return resource ?? NEVER;
}

/** The same for what takes several questions; `key` names it. */
export function useLoaded<T>(key: string, load: () => Promise<T>, policy: Policy): Resource<T> {
  const resource = keep(key, load, policy);
  useEffect(() => resource.start(), [resource]);
  return resource;
}
