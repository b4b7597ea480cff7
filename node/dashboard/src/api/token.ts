// What the operator shows where the node listens to others and is not public. Kept as long as the tab, never in an address.

import { signal } from "@preact/signals";

const KEY = "poolnode.token";

function kept(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

const token = signal<string | null>(kept());

/** Whether the node has refused to say anything without a token, or with the one that was shown. */
export const tokenWanted = signal(false);

/** Whether one was shown already, which the node then did not take. */
export const tokenShown = (): boolean => token.value !== null;

export function showToken(next: string): void {
  token.value = next;
  try {
    sessionStorage.setItem(KEY, next);
  } catch {
    // It lasts as long as the page then.
  }
}

/** What a request carries. */
export function authorization(): Record<string, string> {
  return token.value === null ? {} : { authorization: `Bearer ${token.value}` };
}
