// Which lane of the node is shown. Everything that is asked of a lane is below `lanes/NAME/`, by the same paths as of the node.

import { signal } from "@preact/signals";

/** Its name; null for the node as a whole: its first lane, with all of its miners. */
export const lane = signal<string | null>(null);

/** A path below /api/v1 for the lane that is shown. */
export const inLane = (path: string, name: string | null = lane.value): string =>
  name === null ? path : `lanes/${encodeURIComponent(name)}/${path}`;
