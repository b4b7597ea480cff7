// The peers on a map, joined to this node by arcs in the colour of their round trip.

import { useEffect, useRef, useState } from "preact/hooks";
import { LAND } from "virtual:land";
import type { Peer } from "../api/types";
import { peerPlace } from "../model/answers";
import { rttClass, RTT_CLASSES, type RttClass } from "../model/rtt";
import { short } from "../format/text";
import { milliseconds, plural } from "../format/units";
import { colour, themeEpoch } from "../shell/theme";
import { MAP_HEIGHT, MAP_WIDTH, placeOf, project, type Point } from "./projection";
import { useWidth } from "./size";

/** How near the pointer has to be to a peer, pixels. */
const HIT = 14;

interface Placed {
  peer: Peer;
  at: Point;
}

interface MapProps {
  peers: readonly Peer[];
  /** Where this node is. */
  region: string | null;
  ownId: string;
}

function drawLand(context: CanvasRenderingContext2D): void {
  context.strokeStyle = colour("--map-grid");
  context.lineWidth = 0.6;
  context.beginPath();
  for (let latitude = -45; latitude <= 75; latitude += 15) {
    const { y } = project(0, latitude);
    context.moveTo(project(-180, latitude).x, y);
    context.lineTo(project(180, latitude).x, y);
  }
  for (let longitude = -180; longitude <= 180; longitude += 30) {
    for (let latitude = -57; latitude <= 84; latitude += 3) {
      const { x, y } = project(longitude, latitude);
      if (latitude === -57) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
  }
  context.stroke();
  const land = new Path2D(LAND);
  context.fillStyle = colour("--map-land");
  context.fill(land);
  context.strokeStyle = colour("--map-coast");
  context.stroke(land);
}

/** An arc that rises with its length, as great circles do on such maps. */
function drawArc(context: CanvasRenderingContext2D, from: Point, to: Point): void {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  context.beginPath();
  context.moveTo(from.x, from.y);
  context.quadraticCurveTo((from.x + to.x) / 2, (from.y + to.y) / 2 - 0.22 * length, to.x, to.y);
  context.stroke();
}

function drawPeers(
  context: CanvasRenderingContext2D,
  placed: readonly Placed[],
  own: Point | null,
  unit: number,
): void {
  const colours = Object.fromEntries(RTT_CLASSES.map(({ key }) => [key, colour(`--rtt-${key}`)])) as Record<
    RttClass,
    string
  >;
  for (const { peer, at } of placed) {
    const shade = colours[rttClass(peer.rtt_min_ms)];
    context.strokeStyle = shade;
    context.lineWidth = (peer.direction === "outbound" ? 1.4 : 0.9) * unit;
    context.globalAlpha = 0.6;
    if (own) drawArc(context, own, at);
    context.globalAlpha = 1;
    context.fillStyle = shade;
    context.beginPath();
    context.arc(at.x, at.y, 4 * unit, 0, 2 * Math.PI);
    context.fill();
    context.strokeStyle = colour("--card");
    context.lineWidth = 1.2 * unit;
    context.stroke();
  }
  if (!own) return;
  context.fillStyle = colour("--text");
  context.beginPath();
  context.arc(own.x, own.y, 5 * unit, 0, 2 * Math.PI);
  context.fill();
  context.strokeStyle = colour("--card");
  context.lineWidth = 2 * unit;
  context.stroke();
}

export function WorldMap({ peers, region, ownId }: MapProps) {
  const [box, width] = useWidth<HTMLElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [hovered, setHovered] = useState<Peer | null>(null);
  const epoch = themeEpoch.value;
  const scale = width / MAP_WIDTH;
  const height = Math.round(MAP_HEIGHT * scale);
  const own = placeOf(ownId, region, null);
  const placed = peers.flatMap((peer) => {
    const at = placeOf(peer.peer_id, peer.region, peer.country);
    return at ? [{ peer, at }] : [];
  });

  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || width === 0) return;
    const pixels = scale * devicePixelRatio;
    context.setTransform(pixels, 0, 0, pixels, 0, 0);
    context.clearRect(0, 0, MAP_WIDTH, MAP_HEIGHT);
    drawLand(context);
    drawPeers(context, placed, own, 1 / Math.max(scale, 0.4));
  }, [peers, region, width, epoch]);

  const find = (event: PointerEvent) => {
    const distance = ({ at }: Placed) => Math.hypot(at.x * scale - event.offsetX, at.y * scale - event.offsetY);
    const nearest = [...placed].sort((a, b) => distance(a) - distance(b))[0];
    setHovered(nearest && distance(nearest) < HIT ? nearest.peer : null);
  };

  const lost = peers.length - placed.length;
  const text = `World map with ${plural(placed.length, "connected node")}. The table below lists them.`;
  return (
    <figure class="world" ref={box}>
      <canvas
        ref={canvas}
        role="img"
        aria-label={text}
        width={Math.round(width * devicePixelRatio)}
        height={Math.round(height * devicePixelRatio)}
        style={{ width: `${width}px`, height: `${height}px` }}
        onPointerMove={find}
        onPointerLeave={() => setHovered(null)}
      />
      <figcaption>
        <ul class="legend">
          {RTT_CLASSES.map(({ key, label }) => (
            <li key={key}>
              <i class={`rtt-${key}`} aria-hidden="true" />
              {label}
            </li>
          ))}
          <li>
            <i class="own" aria-hidden="true" />
            this node
          </li>
        </ul>
        <span class="readout">
          {hovered
            ? `${short(hovered.peer_id, 4, 6)}, ${peerPlace(hovered)}, ${milliseconds(hovered.rtt_min_ms)}`
            : lost > 0
              ? `${plural(lost, "node")} without a known region ${lost === 1 ? "is" : "are"} not on the map`
              : "Positions are those of regions and countries, not of people."}
        </span>
      </figcaption>
    </figure>
  );
}
