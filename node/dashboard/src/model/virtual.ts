// Which rows of a long table are drawn.

export interface Slice {
  /** First row that is drawn. */
  start: number;
  /** One past the last. */
  end: number;
  /** Heights of what is left out above and below, pixels. */
  before: number;
  after: number;
}

/** Rows that are drawn beyond what is seen, so that scrolling shows no gaps. */
const OVERSCAN = 8;

/** `top` is how far the list's first row is above the upper edge of what is seen. */
export function slice(rows: number, rowHeight: number, top: number, viewHeight: number): Slice {
  const first = Math.floor(Math.max(0, top) / rowHeight) - OVERSCAN;
  const seen = Math.ceil(Math.max(0, viewHeight) / rowHeight) + 2 * OVERSCAN;
  const start = Math.min(Math.max(0, first), Math.max(0, rows - 1));
  const end = Math.min(rows, start + seen);
  return { start, end, before: start * rowHeight, after: (rows - end) * rowHeight };
}
