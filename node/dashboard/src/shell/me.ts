// Whose payouts are shown: the address that the visitor chose, else the one that mines most here.

import { signal } from "@preact/signals";

const KEY = "poolnode.address";
/** Longest address that is kept. */
const ADDRESS_LEN_MAX = 120;

function kept(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export const chosen = signal<string | null>(kept());

/** Keeps an address, or forgets it. */
export function chooseAddress(address: string | null): void {
  chosen.value = address?.slice(0, ADDRESS_LEN_MAX) ?? null;
  try {
    if (chosen.value === null) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, chosen.value);
  } catch {
    // It lasts as long as the page then.
  }
}
