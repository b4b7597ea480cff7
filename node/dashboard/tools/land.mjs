// The world's land as one SVG path, projected when the dashboard is built: the browser gets a few kilobytes of small
// integers instead of the atlas and the code that projects it. Natural Earth (public domain), by world-atlas.

import { createRequire } from "node:module";
import { geoNaturalEarth1, geoNaturalEarth1Raw, geoPath } from "d3-geo";
import { feature } from "topojson-client";

const require = createRequire(import.meta.url);
/** Width of the map in its own units; must be the same in src/charts/projection.ts. */
const WIDTH = 1000;
/** The northern edge of the map, degrees; must be the same in src/charts/projection.ts. */
const NORTH = 84;
/** Everything south of this is Antarctica. */
const SOUTH = -60;
/** Islands smaller than this many square units are not drawn: they would be a pixel. */
const AREA_MIN = 1.2;
/** A point of a coast is dropped when that moves less than this many square units from land to sea: a pixel or two. */
const DETAIL_MIN = 1.5;

const SCALE = WIDTH / (2 * geoNaturalEarth1Raw(Math.PI, 0)[0]);
const TOP = geoNaturalEarth1Raw(0, (NORTH * Math.PI) / 180)[1];
// d3-geo cuts what crosses the date line in two; without that it would be drawn across the whole map.
const projection = geoNaturalEarth1()
  .scale(SCALE)
  .translate([WIDTH / 2, TOP * SCALE]);

/** Takes what d3-geo draws as rings of whole units. */
class Rings {
  rings = [];
  moveTo(x, y) {
    this.rings.push([]);
    this.lineTo(x, y);
  }
  lineTo(x, y) {
    const ring = this.rings.at(-1);
    const [u, v] = [Math.round(x), Math.round(y)];
    const last = ring.at(-1);
    if (!last || last[0] !== u || last[1] !== v) ring.push([u, v]);
  }
  closePath() {}
}

function area(ring) {
  let twice = 0;
  ring.forEach(([x, y], index) => {
    const [u, v] = ring[(index + 1) % ring.length];
    twice += x * v - u * y;
  });
  return Math.abs(twice) / 2;
}

/** A ring without the points that nobody sees (Visvalingam and Whyatt), the least first. */
function simplified(ring) {
  const left = [...ring];
  while (left.length > 4) {
    const details = left.map((point, index) => area([left.at(index - 1), point, left[(index + 1) % left.length]]));
    const least = Math.min(...details);
    if (least >= DETAIL_MIN) break;
    left.splice(details.indexOf(least), 1);
  }
  return left;
}

function pathOf([[x0, y0], ...rest]) {
  let [x, y] = [x0, y0];
  const steps = rest.map(([u, v]) => {
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
  const polygons = features
    .flatMap(({ geometry }) => (geometry.type === "MultiPolygon" ? geometry.coordinates : [geometry.coordinates]))
    .filter(([outer]) => outer.some(([, latitude]) => latitude > SOUTH));
  const drawn = new Rings();
  geoPath(projection, drawn)({ type: "MultiPolygon", coordinates: polygons });
  return drawn.rings
    .filter((ring) => ring.length >= 3 && area(ring) >= AREA_MIN)
    .map((ring) => pathOf(simplified(ring)))
    .join("");
}
