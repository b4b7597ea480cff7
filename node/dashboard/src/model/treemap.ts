// A squarified treemap (Bruls, Huizing, van Wijk 2000): areas are proportional to values, shapes near squares.

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The worst ratio of sides in a row of these areas along a side. */
function worst(areas: readonly number[], side: number): number {
  const sum = areas.reduce((total, area) => total + area, 0);
  const thickness = sum / side;
  return Math.max(...areas.map((area) => Math.max(thickness ** 2 / area, area / thickness ** 2)));
}

/** One rectangle per value, in the order of the values, which must be positive and descending. */
export function treemap(values: readonly number[], width: number, height: number): Rect[] {
  const sum = values.reduce((total, value) => total + value, 0);
  if (!(sum > 0) || !(width > 0) || !(height > 0)) return [];
  const areas = values.map((value) => (value / sum) * width * height);
  const rects: Rect[] = [];
  let free: Rect = { x: 0, y: 0, width, height };
  let at = 0;
  while (at < areas.length) {
    const side = Math.min(free.width, free.height);
    let row = areas.slice(at, at + 1);
    for (let next = at + 1; next < areas.length; next += 1) {
      const longer = areas.slice(at, next + 1);
      if (worst(longer, side) > worst(row, side)) break;
      row = longer;
    }
    free = place(row, free, rects);
    at += row.length;
  }
  return rects;
}

/** Puts a row along the shorter side and gives what stays free. */
function place(row: readonly number[], free: Rect, rects: Rect[]): Rect {
  const sum = row.reduce((total, area) => total + area, 0);
  const upright = free.width >= free.height;
  const thickness = sum / (upright ? free.height : free.width);
  let offset = 0;
  for (const area of row) {
    const length = area / thickness;
    rects.push(
      upright
        ? { x: free.x, y: free.y + offset, width: thickness, height: length }
        : { x: free.x + offset, y: free.y, width: length, height: thickness },
    );
    offset += length;
  }
  return upright
    ? { ...free, x: free.x + thickness, width: Math.max(0, free.width - thickness) }
    : { ...free, y: free.y + thickness, height: Math.max(0, free.height - thickness) };
}
