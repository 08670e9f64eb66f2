/** How somebody arranged the wall: its layout, and which cameras are pinned to which tiles. Pure, but for the storage. */

import { layoutName, layoutOf, type LayoutName } from "./layouts";

/** `pins`: by tile; null, or nothing at all: the tile is free for the rotation. */
export interface Arrangement {
  readonly layout: LayoutName;
  readonly pins: readonly (string | null)[];
}

/** What a tile shows now, and whether the rotation put it there. */
export interface Shown {
  readonly cameraId: string;
  readonly rotating: boolean;
}

const STORE = "xueliang.wall";
export const USUAL: Arrangement = { layout: "9", pins: [] };

function withPin(pins: readonly (string | null)[], tile: number, cameraId: string | null): (string | null)[] {
  // A camera stands on the wall once: pinned here, it is pinned nowhere else.
  const next = pins.map((pinned) => (pinned !== null && pinned === cameraId ? null : pinned));
  while (next.length <= tile) next.push(null);
  next[tile] = cameraId;
  while (next.length > 0 && next[next.length - 1] === null) next.pop();
  return next;
}

export function pin(arrangement: Arrangement, tile: number, cameraId: string | null): Arrangement {
  return { ...arrangement, pins: withPin(arrangement.pins, tile, cameraId) };
}

/**
 * Tile `from` was dropped on tile `to`: what was moved by hand is pinned, and what stood there takes the place that
 * became free, unless the rotation had put it there: the rotation goes on in the tiles that are left to it.
 */
export function exchange(arrangement: Arrangement, shown: readonly (Shown | null)[], from: number, to: number): Arrangement {
  const moved = shown[from];
  if (!moved || from === to) return arrangement;
  const displaced = shown[to] ?? null;
  const back = displaced === null || displaced.rotating ? null : displaced.cameraId;
  return { ...arrangement, pins: withPin(withPin(arrangement.pins, from, back), to, moved.cameraId) };
}

/** A scene as it is kept on the server: its tiles become pins, an empty one is free. */
export function ofScene(scene: { readonly layout: unknown; readonly tiles: readonly (string | null)[] }): Arrangement | null {
  const layout = layoutName(scene.layout);
  if (layout === null) return null;
  const pins = scene.tiles.slice(0, layoutOf(layout).cells.length).reduce<(string | null)[]>((kept, cameraId, tile) => withPin(kept, tile, cameraId), []);
  return { layout, pins };
}

/** What was arranged in this browser; the usual where nothing was, or nothing that can be read. */
export function stored(storage: Pick<Storage, "getItem">): Arrangement {
  try {
    const kept: unknown = JSON.parse(storage.getItem(STORE) ?? "null");
    if (typeof kept !== "object" || kept === null || !("layout" in kept) || !("pins" in kept) || !Array.isArray(kept.pins)) return USUAL;
    return ofScene({ layout: kept.layout, tiles: kept.pins.map((each: unknown) => (typeof each === "string" ? each : null)) }) ?? USUAL;
  } catch {
    return USUAL; // written by something else: the wall begins as usual
  }
}

export function store(storage: Pick<Storage, "setItem">, arrangement: Arrangement): void {
  storage.setItem(STORE, JSON.stringify(arrangement));
}
