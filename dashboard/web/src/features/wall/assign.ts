/** Which camera stands in which tile. Pure. */

import type { RotationSlot } from "@/lib/model";

export interface Place {
  readonly cameraId: string;
  readonly slot: RotationSlot | null;
}

/**
 * The first tiles follow the rotation's slots; the rest hold cameras in their order, skipping those that stand in a
 * slot. A held camera keeps its tile as long as it can: only the tile whose camera was called up takes another.
 */
export function assign(previous: readonly (Place | null)[], slots: readonly RotationSlot[], cameras: readonly string[], tiles: number): (Place | null)[] {
  const inSlots = [...slots].sort((a, b) => a.slot - b.slot).slice(0, tiles);
  const places: (Place | null)[] = inSlots.map((slot) => ({ cameraId: slot.camera_id, slot }));
  const shown = new Set(inSlots.map((slot) => slot.camera_id));
  const known = new Set(cameras);
  const kept = Array.from({ length: Math.max(0, tiles - places.length) }, (_, i): Place | null => {
    const before = previous[places.length + i];
    if (!before || before.slot !== null || shown.has(before.cameraId) || !known.has(before.cameraId)) return null;
    shown.add(before.cameraId);
    return before;
  });
  const free = cameras.filter((camera) => !shown.has(camera))[Symbol.iterator]();
  const held = kept.map((place): Place | null => {
    if (place !== null) return place;
    const next = free.next();
    return next.done ? null : { cameraId: next.value, slot: null };
  });
  return [...places, ...held];
}
