// The world's land as one SVG path, projected when the dashboard is built: the browser gets a few kilobytes of small
// integers instead of the atlas and the code that projects it. Natural Earth (public domain), by world-atlas.

import { createRequire } from "node:module";
import { geoNaturalEarth1Raw } from "d3-geo";
import { feature } from "topojson-client";

const require = createRequire(import.meta.url);
/** Width of the map in its own units; must be the same in src/charts/projection.ts. */
const WIDTH = 1000;
/** Islands smaller than this many square units are not drawn: they would be a pixel. */
const AREA_MIN = 1.2;
/** Everything south of this is Antarctica. */
const SOUTH = -60;

const RADIANS = Math.PI / 180;
const HALF_WIDTH = geoNaturalEarth1Raw(Math.PI, 0)[0];
const TOP = geoNaturalEarth1Raw(0, 84 * RADIANS)[1];
const SCALE = WIDTH / (2 * HALF_WIDTH);

function project([longitude, latitude]) {
  const [x, y] = geoNaturalEarth1Raw(longitude * RADIANS, latitude * RADIANS);
  return [Math.round((x + HALF_WIDTH) * SCALE), Math.round((TOP - y) * SCALE)];
}

function area(ring) {
  let twice = 0;
  ring.forEach(([x, y], index) => {
    const [u, v] = ring[(index + 1) % ring.length];
    twice += x * v - u * y;
  });
  return Math.abs(twice) / 2;
}

function ringPath(ring) {
  const points = ring.map(project).filter(([x, y], index, all) => {
    const before = all[index - 1];
    return !before || before[0] !== x || before[1] !== y;
  });
  if (points.length < 4 || area(points) < AREA_MIN) return "";
  const [[x0, y0], ...rest] = points;
  let [x, y] = [x0, y0];
  const steps = rest.slice(0, -1).map(([u, v]) => {
    const step = `${u - x} ${v - y}`;
    [x, y] = [u, v];
    return step;
  });
  return `M${x0} ${y0}l${steps.join(" ")}z`.replaceAll(" -", "-");
}

/** The path, in units of a map that is WIDTH wide. */
export function landPath() {
  const atlas = require("world-atlas/land-110m.json");
  const land = feature(atlas, atlas.objects.land);
  const features = land.type === "FeatureCollection" ? land.features : [land];
  const polygons = features.flatMap(({ geometry }) =>
    geometry.type === "MultiPolygon" ? geometry.coordinates : [geometry.coordinates],
  );
  return polygons
    .filter(([outer]) => outer.some(([, latitude]) => latitude > SOUTH))
    .map((rings) => rings.map(ringPath).join(""))
    .join("");
}
