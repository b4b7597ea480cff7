// Whose payouts are shown, and how a visitor says so.

import type { Worker } from "../api/types";
import { isMasked, short } from "../format/text";
import { addresses } from "../model/workers";
import { useTopWorkers } from "../shell/facts";
import { chooseAddress, chosen } from "../shell/me";

export interface Me {
  /** Whose payouts are shown; null while nobody is known. */
  address: string | null;
  /** Payout addresses of the miners here, the one with the most hash rate first. */
  here: readonly string[];
  /** Whether the node hides addresses from this visitor, so that only a typed one can be asked for. */
  hidden: boolean;
  workers: readonly Worker[];
}

export function useMe(): Me {
  const workers = useTopWorkers().data.value?.data ?? [];
  const here = addresses(workers);
  const hidden = here.length > 0 && here.every(isMasked);
  const kept = chosen.value !== null && (hidden || here.includes(chosen.value)) ? chosen.value : null;
  return { address: kept ?? (hidden ? null : (here[0] ?? null)), here, hidden, workers };
}

function Typed({ value }: { value: string | null }) {
  const take = (event: Event) => {
    event.preventDefault();
    const field =
      event.currentTarget instanceof HTMLFormElement ? new FormData(event.currentTarget).get("address") : null;
    chooseAddress(typeof field === "string" && field.trim() ? field.trim() : null);
  };
  return (
    <form class="whose" onSubmit={take}>
      <label>
        Your payout address <input name="address" defaultValue={value ?? ""} autocomplete="off" spellcheck={false} />
      </label>
      <button type="submit" class="copy">
        Show its payouts
      </button>
    </form>
  );
}

/** A choice among the addresses here; a field where the node hides them. */
export function Whose({ me: { address, here, hidden } }: { me: Me }) {
  if (hidden) return <Typed value={address} />;
  if (here.length < 2) return null;
  return (
    <label class="whose">
      Payouts of
      <select value={address ?? ""} onChange={(event) => chooseAddress(event.currentTarget.value)}>
        {here.map((option) => (
          <option key={option} value={option}>
            {short(option)}
          </option>
        ))}
      </select>
    </label>
  );
}
