// The few parts that every page is made of.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Resource } from "../api/resource";
import type { Tone } from "../model/answers";
import { hue, short } from "../format/text";
import { Icon } from "./icon";

interface CardProps {
  title: ComponentChildren;
  /** Right of the title: a link, a switch, a number. */
  aside?: ComponentChildren;
  /** Further class names: where the card stands in the page's grid. */
  kind?: string;
  children: ComponentChildren;
}

export function Card({ title, aside, kind = "", children }: CardProps) {
  return (
    <section class={`card ${kind}`}>
      <header>
        <h2>{title}</h2>
        {aside !== undefined && <div class="aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

/** A number with its name. */
export function Stat({ label, value, hint }: { label: string; value: ComponentChildren; hint?: ComponentChildren }) {
  return (
    <div class="stat">
      <dt>{label}</dt>
      <dd>
        {value}
        {hint !== undefined && <small>{hint}</small>}
      </dd>
    </div>
  );
}

const TONE_WORDS: Record<Tone, string> = { good: "good", warn: "attention", bad: "problem", quiet: "nothing yet" };

/** A state as colour, shape and word. */
export function Dot({ tone }: { tone: Tone }) {
  return <span class={`dot ${tone}`} role="img" aria-label={TONE_WORDS[tone]} />;
}

export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

/** Nothing to show, and why. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

/** What stands in a card that has no answer yet, or whose question was refused. */
export function Pending<T>({ of, what }: { of: Resource<T>; what: string }) {
  const refused = of.refused.value;
  return <Empty>{refused ? `This node says nothing about ${what}: ${refused}` : `Asking for ${what}…`}</Empty>;
}

/** Time that "copied" is shown. */
const COPIED_MS = 1_800;

/** The clipboard needs a secure context; on a LAN the old way through a selection still works. */
async function toClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "offscreen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

export function Copy({ text, what }: { text: string; what: string }) {
  const [state, setState] = useState<"idle" | "copied" | "failed">("idle");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async () => {
    setState((await toClipboard(text)) ? "copied" : "failed");
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setState("idle"), COPIED_MS);
  };
  const label = { idle: "Copy", copied: "Copied", failed: "Select it by hand" }[state];
  return (
    <button type="button" class={`copy ${state}`} onClick={() => void copy()} aria-label={`Copy ${what}`}>
      <Icon name={state === "copied" ? "check" : "copy"} />
      <span aria-live="polite">{label}</span>
    </button>
  );
}

/** An address with its colour, the same on every page. */
export function Address({ of }: { of: string | null | undefined }) {
  if (!of) return <span class="muted">–</span>;
  return (
    <span class="address" title={of}>
      <Swatch of={of} />
      {short(of)}
    </span>
  );
}

/** The colour of an address. */
export function Swatch({ of }: { of: string }) {
  return <i class="swatch" aria-hidden="true" style={{ backgroundColor: `oklch(var(--hue-light) 0.13 ${hue(of)})` }} />;
}

/** A bar for a part of a whole, in percent. */
export function Meter({ percent, tone = "good" }: { percent: number; tone?: Tone }) {
  const width = Math.max(0, Math.min(100, Number.isFinite(percent) ? percent : 0));
  return (
    <span class={`meter ${tone}`} aria-hidden="true">
      <span style={{ width: `${width}%` }} />
    </span>
  );
}

interface ChoiceProps<K extends string> {
  label: string;
  options: readonly { key: K; text: string }[];
  value: K;
  onChange: (key: K) => void;
}

/** One of a few, side by side. */
export function Choice<K extends string>({ label, options, value, onChange }: ChoiceProps<K>) {
  return (
    <div class="choice" role="group" aria-label={label}>
      {options.map(({ key, text }) => (
        <button key={key} type="button" aria-pressed={key === value} onClick={() => onChange(key)}>
          {text}
        </button>
      ))}
    </div>
  );
}
