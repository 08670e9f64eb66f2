/** Where things stand on a map of the page: Web Mercator (EPSG:3857), fitted to what is looked at. Pure. */

export type Position = readonly [number, number];
export type Ring = readonly Position[];
/** The outer ring, then holes. */
export type Polygon = readonly Ring[];
/** West, south, east, north, degrees. */
export type Bounds = readonly [number, number, number, number];

/** A picture of `width` × `height` px around `centre` (of the unit square), in which the whole world is `world` px wide. */
export interface View {
  readonly centre: Position;
  readonly world: number;
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where Mercator's square ends. */
const MOST_LATITUDE = 85.0511;
/** What a map library counts as the world's width at zoom 0, px. */
const TILE = 512;
const CLOSEST_WORLD = TILE * 2 ** 17;

/** Degrees on the unit square, north up. */
export function mercator([lon, lat]: Position): Position {
  const phi = (Math.max(-MOST_LATITUDE, Math.min(MOST_LATITUDE, lat)) * Math.PI) / 180;
  return [(lon + 180) / 360, (1 - Math.log(Math.tan(phi) + 1 / Math.cos(phi)) / Math.PI) / 2];
}

export function unmercator([x, y]: Position): Position {
  return [x * 360 - 180, (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI];
}

export function boundsOf(positions: Iterable<Position>): Bounds | null {
  let found: [number, number, number, number] | null = null;
  for (const [lon, lat] of positions) {
    found ??= [lon, lat, lon, lat];
    found = [Math.min(found[0], lon), Math.min(found[1], lat), Math.max(found[2], lon), Math.max(found[3], lat)];
  }
  return found;
}

/** The same span, moved so that the position is its middle. */
export function centred([west, south, east, north]: Bounds, [lon, lat]: Position): Bounds {
  return [lon - (east - west) / 2, lat - (north - south) / 2, lon + (east - west) / 2, lat + (north - south) / 2];
}

/** All of the bounds, as large as fits inside the margin. */
export function fit([west, south, east, north]: Bounds, width: number, height: number, margin: number): View {
  const [left, top] = mercator([west, north]);
  const [right, bottom] = mercator([east, south]);
  const room = (size: number): number => Math.max(1, size - 2 * margin);
  const world = Math.min(room(width) / Math.max(right - left, 1e-12), room(height) / Math.max(bottom - top, 1e-12), CLOSEST_WORLD);
  return { centre: [(left + right) / 2, (top + bottom) / 2], world, width, height };
}

export function project(view: View, position: Position): Point {
  const [x, y] = mercator(position);
  return { x: (x - view.centre[0]) * view.world + view.width / 2, y: (y - view.centre[1]) * view.world + view.height / 2 };
}

/** A map library's zoom of the view. */
export function zoomOf(view: View): number {
  return Math.log2(view.world / TILE);
}

/** The `d` of an SVG path. */
export function pathOf(view: View, polygons: readonly Polygon[]): string {
  const ring = (positions: Ring): string =>
    positions.map((position, i) => {
      const { x, y } = project(view, position);
      return `${i === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
    }).join("") + "Z";
  return polygons.flatMap((polygon) => polygon.map(ring)).join("");
}

export function inside(polygons: readonly Polygon[], [x, y]: Position): boolean {
  let crossings = 0;
  for (const ring of polygons.flat()) {
    ring.forEach(([bx, by], i) => {
      const [ax, ay] = ring[i - 1] ?? [bx, by];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) crossings += 1;
    });
  }
  return crossings % 2 === 1;
}

const LOOKS = 24;

/** Where a name stands best: inside, far from the border and from what else is drawn there; null without an outline. */
export function labelPoint(polygons: readonly Polygon[], avoid: readonly Position[]): Position | null {
  const points = polygons.flatMap((polygon) => polygon.flat());
  const bounds = boundsOf(points);
  if (bounds === null) return null;
  const [west, south, east, north] = bounds;
  // A name is wide and low: what stands beside it is further off than what stands above.
  const squeeze = Math.cos((((south + north) / 2) * Math.PI) / 180) / 2.2;
  const near = ([ax, ay]: Position, [bx, by]: Position): number => Math.hypot((ax - bx) * squeeze, ay - by);
  let best: Position | null = null;
  let most = -1;
  for (let i = 1; i < LOOKS; i++) {
    for (let j = 1; j < LOOKS; j++) {
      const here: Position = [west + ((east - west) * i) / LOOKS, south + ((north - south) * j) / LOOKS];
      if (!inside(polygons, here)) continue;
      const border = points.reduce((least, point) => Math.min(least, near(here, point)), Infinity);
      const others = avoid.reduce((least, point) => Math.min(least, near(here, point)), Infinity);
      const room = Math.min(border, others);
      if (room > most) [best, most] = [here, room];
    }
  }
  return best;
}
