/** Which camera stands in which tile. Pure. */

import type { RotationSlot } from "@/lib/model";

export interface Place {
  readonly cameraId: string;
  readonly slot: RotationSlot | null;
  /** Held there by hand: the rotation goes past it. */
  readonly pinned: boolean;
}

/** A tile that somebody looks at closely: it keeps its camera, and the other tiles stay as they are. */
export interface Held {
  readonly tile: number;
  readonly cameraId: string;
}

/**
 * Pinned tiles show their camera. Of the others the first ones follow the rotation's slots, one tile a slot; the rest
 * hold cameras in their order, skipping those that stand elsewhere on the wall. A held camera keeps its tile as long
 * as it can: only the tile whose camera was called up, or pinned elsewhere, takes another.
 */
export function assign(
  previous: readonly (Place | null)[],
  slots: readonly RotationSlot[],
  cameras: readonly string[],
  tiles: number,
  pins: readonly (string | null)[] = [],
  held: Held | null = null,
): (Place | null)[] {
  const known = new Set(cameras);
  const places: (Place | null)[] = Array.from({ length: tiles }, (_, tile) => {
    const cameraId = pins[tile] ?? null;
    return cameraId !== null && known.has(cameraId) && (tile === held?.tile || cameraId !== held?.cameraId) ? { cameraId, slot: null, pinned: true } : null;
  });
  const shown = new Set(places.flatMap((place) => (place === null ? [] : [place.cameraId])));
  const rotating = places.flatMap((place, tile) => (place === null ? [tile] : []));
  if (held !== null && held.tile < tiles && known.has(held.cameraId)) {
    places[held.tile] = { cameraId: held.cameraId, slot: null, pinned: pins[held.tile] === held.cameraId };
    shown.add(held.cameraId);
  }
  for (const [i, slot] of [...slots].sort((a, b) => a.slot - b.slot).entries()) {
    const tile = rotating[i];
    if (tile === undefined) break;
    if (shown.has(slot.camera_id) || places[tile] !== null) continue; // it is pinned, its promise is kept there; or the tile is held
    places[tile] = { cameraId: slot.camera_id, slot, pinned: false };
    shown.add(slot.camera_id);
  }
  const kept = places.map((place, tile) => {
    const before = previous[tile];
    if (place !== null || !before || before.slot !== null || shown.has(before.cameraId) || !known.has(before.cameraId)) return place;
    shown.add(before.cameraId);
    return before.pinned ? { ...before, pinned: false } : before;
  });
  const free = cameras.filter((camera) => !shown.has(camera))[Symbol.iterator]();
  return kept.map((place) => {
    if (place !== null) return place;
    const next = free.next();
    return next.done ? null : { cameraId: next.value, slot: null, pinned: false };
  });
}
