// Where things are on the map: the same projection that tools/land.mjs drew the land with.

import { hue } from "../format/text";

/** Width of the map in its own units; must be the same in tools/land.mjs. */
export const MAP_WIDTH = 1000;
/** The northern edge of the map, degrees; must be the same in tools/land.mjs. */
const NORTH = 84;
const RADIANS = Math.PI / 180;

/**
 * The Natural Earth projection of a longitude and latitude in radians: Tom Patterson's, as the polynomial of Šavrič, Jenny,
 * Patterson, Petrovič and Hurni (2011). By hand because d3-geo's brings 10 kB of its machinery along; a test compares both.
 */
export function naturalEarth(lambda: number, phi: number): readonly [number, number] {
  const phi2 = phi * phi;
  const phi4 = phi2 * phi2;
  const x = lambda * (0.8707 - 0.131979 * phi2 + phi4 * (-0.013791 + phi4 * (0.003971 * phi2 - 0.001529 * phi4)));
  const y = phi * (1.007226 + phi2 * (0.015085 + phi4 * (-0.044475 + 0.028874 * phi2 - 0.005916 * phi4)));
  return [x, y];
}

const HALF_WIDTH = naturalEarth(Math.PI, 0)[0];
const TOP = naturalEarth(0, NORTH * RADIANS)[1];
const SCALE = MAP_WIDTH / (2 * HALF_WIDTH);

export interface Point {
  x: number;
  y: number;
}

export function project(longitude: number, latitude: number): Point {
  const [x, y] = naturalEarth(longitude * RADIANS, latitude * RADIANS);
  return { x: (x + HALF_WIDTH) * SCALE, y: (TOP - y) * SCALE };
}

/** The map ends in the south where nobody mines. */
export const MAP_HEIGHT = Math.round(project(0, -57).y);

/** The middle of each region's people, longitude and latitude. */
const REGIONS: Record<string, readonly [number, number]> = {
  NA: [-95, 40],
  SA: [-58, -18],
  EU: [12, 50],
  AF: [20, 3],
  AS: [100, 32],
  OC: [140, -27],
  AN: [0, -56],
};

/** Countries by ISO 3166 code: longitude and latitude of where most of their servers are. */
const COUNTRIES =
  "US-95,39 CA-79,44 MX-99,20 BR-47,-22 AR-60,-34 CL-71,-33 CO-74,5 PE-77,-12 UY-56,-35 VE-67,10 EC-79,-1 PY-57,-25 CR-84,10 PA-80,9 " +
  "GB-1,52 IE-7,53 FR2,47 DE10,51 NL5,52 BE4,51 LU6,50 CH8,47 AT15,48 IT11,44 ES-4,40 PT-9,39 DK11,56 SE16,59 NO10,60 FI25,61 EE25,59 " +
  "LV24,57 LT24,55 PL20,52 CZ15,50 SK18,48 HU19,47 RO26,45 BG24,43 GR23,38 RS21,44 HR16,46 SI15,46 UA31,49 MD29,47 BY28,54 RU38,56 IS-20,64 " +
  "TR31,40 IL35,32 AE55,25 SA46,25 IR52,35 GE44,42 AM44,40 KZ72,48 UZ66,41 PK71,31 IN77,19 BD90,24 LK80,7 NP85,28 " +
  "CN114,31 HK114,22 TW121,25 JP139,36 KR127,37 MN106,47 TH101,15 VN107,16 MY102,4 SG104,1 ID109,-6 PH121,14 KH105,12 " +
  "AU149,-33 NZ174,-40 ZA28,-27 NG5,8 KE37,-1 EG31,29 MA-7,33 TN10,35 DZ3,35 GH-1,7 ET39,8 TZ37,-6 AO15,-10";

const PLACES = new Map(
  [...COUNTRIES.matchAll(/([A-Z]{2})(-?\d+),(-?\d+)/g)].map(([, code, longitude, latitude]) => [
    code ?? "",
    [Number(longitude), Number(latitude)] as const,
  ]),
);

/** How far peers of one place are spread, so that all of them are seen; degrees. */
const SPREAD = 5;
const SPREAD_IN_COUNTRY = 2;

/** Where a node is drawn: its country if that is known, else its region, else nowhere. Near others, never on them. */
export function placeOf(id: string, region: string | null, country: string | null): Point | null {
  const land = country ? PLACES.get(country.toUpperCase()) : undefined;
  const place = land ?? (region ? REGIONS[region.toUpperCase()] : undefined);
  if (!place) return null;
  const angle = hue(id) * RADIANS;
  const distance = (land ? SPREAD_IN_COUNTRY : SPREAD) * (0.35 + (0.65 * hue(`${id}r`)) / 360);
  return project(place[0] + 1.4 * distance * Math.cos(angle), place[1] + distance * Math.sin(angle));
}
