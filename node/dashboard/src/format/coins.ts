// Amounts: integers in base units, shown in coins with all the digits that matter.

import type { Coin } from "../api/types";
import { NOTHING, known } from "./units";

/** Most decimals of a coin that are believed; a node that says more is not to fill the page with zeros. */
const DECIMALS_MAX = 18;

/** Zeros at the end: kept where amounts stand below each other. */
type Zeros = "kept" | "dropped";

function digitsOf(baseUnits: number, decimals: number, zeros: Zeros): string {
  const whole = Math.abs(Math.round(baseUnits))
    .toFixed(0)
    .padStart(decimals + 1, "0");
  const cut = whole.length - decimals;
  const fraction = zeros === "kept" ? whole.slice(cut) : whole.slice(cut).replace(/0+$/, "");
  return whole.slice(0, cut).replace(/\B(?=(\d{3})+$)/g, "\u202f") + (fraction ? `.${fraction}` : "");
}

/** `0.00123 BTC`; without a coin the base units themselves. */
export function amount(
  baseUnits: number | null | undefined,
  coin: Coin | null | undefined,
  zeros: Zeros = "dropped",
): string {
  if (!known(baseUnits)) return NOTHING;
  const sign = baseUnits < 0 ? "-" : "";
  if (!coin) return `${sign}${digitsOf(baseUnits, 0, zeros)}\u00a0base units`;
  const decimals = Math.min(Math.max(Math.trunc(coin.decimals), 0), DECIMALS_MAX);
  return `${sign}${digitsOf(baseUnits, decimals, zeros)}\u00a0${coin.symbol}`;
}

/** The same for a column of a table. */
export const amountCell = (baseUnits: number | null | undefined, coin: Coin | null | undefined): string =>
  amount(baseUnits, coin, "kept");
