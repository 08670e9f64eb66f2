/** Digital zoom: which part of a tile's picture fills the tile. Pure; shares of the tile's width and height. */

/** A point of the picture at (u, v), 0 to 1, stands at (x + u·scale, y + v·scale). */
export interface Zoom {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

export const WHOLE: Zoom = { scale: 1, x: 0, y: 0 };
const MOST = 8;
/** One turn of the wheel or press of a key. */
export const STEP = 1.25;

/** The picture always fills the tile: no edge comes inside it. */
function kept({ scale, x, y }: Zoom): Zoom {
  const within = (at: number): number => Math.min(0, Math.max(1 - scale, at));
  return scale <= 1 ? WHOLE : { scale, x: within(x), y: within(y) };
}

/** Larger or smaller by `factor`; what is at (u, v) of the tile stays there. */
export function zoomAt(zoom: Zoom, factor: number, u: number, v: number): Zoom {
  const scale = Math.min(MOST, Math.max(1, zoom.scale * factor));
  const grown = scale / zoom.scale;
  return kept({ scale, x: u - (u - zoom.x) * grown, y: v - (v - zoom.y) * grown });
}

/** The picture moved by shares of the tile. */
export function pan(zoom: Zoom, dx: number, dy: number): Zoom {
  return kept({ ...zoom, x: zoom.x + dx, y: zoom.y + dy });
}

/** For an element that fills the tile, with its origin at the top left. */
export function transform({ scale, x, y }: Zoom): string {
  return scale === 1 ? "none" : `translate(${(x * 100).toFixed(3)}%, ${(y * 100).toFixed(3)}%) scale(${scale.toFixed(4)})`;
}
