// The clock of the page, by which "ago" is said.

import { signal } from "@preact/signals";

export const now = signal(Date.now() / 1000);

/** Called once. */
export function startClock(): void {
  setInterval(() => {
    if (!document.hidden) now.value = Date.now() / 1000;
  }, 1_000);
}
