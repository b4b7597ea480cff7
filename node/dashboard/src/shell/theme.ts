// Light, dark, or as the system says. What the visitor chose is kept in this browser.

import { signal } from "@preact/signals";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "poolnode.theme";

export const theme = signal<Theme>("system");
/** Counts changes of what is really shown; canvases draw again with it. */
export const themeEpoch = signal(0);

function kept(): Theme {
  try {
    return THEMES.find((entry) => entry === localStorage.getItem(KEY)) ?? "system";
  } catch {
    return "system";
  }
}

function show(): void {
  if (theme.value === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme.value;
  themeEpoch.value += 1;
}

export function choose(next: Theme): void {
  theme.value = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // A browser that keeps nothing still switches.
  }
  show();
}

/** Called once, before anything is drawn. */
export function startTheme(): void {
  theme.value = kept();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  show();
}

/** A colour of the style sheet as canvases take it: custom properties alone are not resolved. */
export function colour(variable: string): string {
  const probe = document.createElement("i");
  probe.style.color = `var(${variable})`;
  document.body.append(probe);
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  return resolved;
}
