// Names and ids. All of it may come from strangers; it is only ever put into text nodes.

import { NOTHING } from "./units";

/** Longest name shown in full. */
const NAME_LEN_MAX = 40;

/** An id or address by its ends. One that is masked already stays as it is. */
export function short(id: string | null | undefined, head = 6, tail = 6): string {
  if (!id) return NOTHING;
  return id.length <= head + tail + 1 ? id : `${id.slice(0, head)}…${id.slice(-tail)}`;
}

/** Whether a node has hidden the middle of an address from strangers: it cannot be asked for then. */
export const isMasked = (address: string): boolean => address.includes("…");

/** The id of a share or a block: leading zeros say nothing, so its end is shown. */
export function shortHash(hash: string | null | undefined): string {
  return hash ? hash.slice(-10) : NOTHING;
}

/** A name that a miner or a peer gave itself. Characters that would turn the line's direction are dropped. */
export function name(given: string | null | undefined, otherwise: string = NOTHING): string {
  const clean = (given ?? "").replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "").trim();
  if (!clean) return otherwise;
  return clean.length > NAME_LEN_MAX ? `${clean.slice(0, NAME_LEN_MAX - 1)}…` : clean;
}

/** The host and port of a multiaddress: `/ip4/1.2.3.4/tcp/13333` is `1.2.3.4:13333`. */
export function hostOf(multiaddress: string): string {
  const parts = multiaddress.split("/");
  const host = parts[2] ?? multiaddress;
  const port = parts[3] === "tcp" || parts[3] === "udp" ? parts[4] : undefined;
  if (!port) return host;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

const REGIONS: Record<string, string> = {
  NA: "North America",
  SA: "South America",
  EU: "Europe",
  AF: "Africa",
  AS: "Asia",
  OC: "Oceania",
  AN: "Antarctica",
};

export function region(code: string | null | undefined): string {
  if (!code || code === "-") return "unknown region";
  return REGIONS[code.toUpperCase()] ?? name(code);
}

/** A steady hue for an address or a peer, degrees: the same one everywhere and after every reload. */
export function hue(id: string | null | undefined): number {
  let hash = 2166136261;
  for (const character of id ?? "") {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16777619);
  }
  // The golden angle keeps even similar hashes apart.
  return Math.round(((hash >>> 0) * 137.508) % 360);
}
