// Which lane all pages show, where the node has more than one. Kept in the address, so that a link leads to the same.

import { useEffect } from "preact/hooks";
import { name } from "../format/text";
import { useLanes } from "./facts";
import { href, route } from "./route";

export function LaneSwitch() {
  const lanes = useLanes();
  const { page, lane } = route.value;
  const isUnknown =
    lane !== null && lanes !== null && (lanes.length < 2 || !lanes.some((known) => known.name === lane));
  useEffect(() => {
    // A link to a lane that there is no more.
    if (isUnknown) location.replace(href(page, null, null));
  }, [isUnknown]);
  if (!lanes || lanes.length < 2) return null;
  return (
    <select
      class="lane"
      aria-label="Lane shown"
      value={lane ?? ""}
      // What of the page is open belongs to the lane before.
      onChange={(event) => location.assign(href(route.value.page, null, event.currentTarget.value || null))}
    >
      <option value="">{name(lanes[0]?.name)}, all miners</option>
      {lanes.map((known) => (
        <option key={known.name} value={known.name}>
          {name(known.name)}
        </option>
      ))}
    </select>
  );
}
