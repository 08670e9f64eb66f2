import { describe, expect, it } from "vitest";

import type { RotationSlot } from "@/lib/model";

import { assign } from "./assign";

const slot = (n: number, camera: string): RotationSlot => ({ slot: n, site_id: `s-${camera}`, camera_id: camera, reason: "patrol", event_id: null, since: 0, until: 12 });
const cameras = ["a", "b", "c", "d", "e", "f"];
const ids = (places: ReturnType<typeof assign>): (string | undefined)[] => places.map((place) => place?.cameraId);

describe("assign", () => {
  it("gives the first tiles to the rotation and the rest to the others in order", () => {
    expect(ids(assign([], [slot(1, "d"), slot(0, "b")], cameras, 4))).toEqual(["b", "d", "a", "c"]);
  });

  it("moves only the tile whose camera was called up", () => {
    const before = assign([], [slot(0, "a")], cameras, 4);
    expect(ids(before)).toEqual(["a", "b", "c", "d"]);
    expect(ids(assign(before, [slot(0, "c")], cameras, 4))).toEqual(["c", "b", "a", "d"]);
  });

  it("never shows a camera twice, and none that is gone", () => {
    let places = assign([], [], cameras, 9);
    expect(ids(places)).toEqual([...cameras, undefined, undefined, undefined]);
    for (let i = 0; i < 60; i++) {
      const at = (n: number): string => cameras[(i * 7 + n) % cameras.length] as string;
      places = assign(places, [slot(0, at(0)), slot(1, at(1))], cameras, 5);
      const shown = ids(places).filter((id) => id !== undefined);
      expect(new Set(shown).size).toBe(shown.length);
      expect(shown.length).toBe(5);
    }
    expect(ids(assign(places, [], ["x"], 4))).toEqual(["x", undefined, undefined, undefined]);
  });

  it("shows no more slots than there are tiles", () => {
    expect(ids(assign([], [slot(0, "a"), slot(1, "b")], cameras, 1))).toEqual(["a"]);
  });

  it("leaves pinned tiles alone and takes the rotation through the others", () => {
    const pins = [null, "e", null, "a"];
    const first = assign([], [slot(0, "b"), slot(1, "c")], cameras, 4, pins);
    expect(ids(first)).toEqual(["b", "e", "c", "a"]);
    expect(first.map((place) => place?.pinned)).toEqual([false, true, false, true]);
    expect(ids(assign(first, [slot(0, "d"), slot(1, "f")], cameras, 4, pins))).toEqual(["d", "e", "f", "a"]);
  });

  it("shows a pinned camera once when its turn comes", () => {
    expect(ids(assign([], [slot(0, "a"), slot(1, "b")], cameras, 4, [null, null, null, "a"]))).toEqual(["c", "b", "d", "a"]);
  });

  it("keeps the camera of a tile that was let go, and forgets a pin to a camera that is gone", () => {
    const pinned = assign([], [], cameras, 4, [null, null, "f"]);
    expect(ids(assign(pinned, [], cameras, 4, []))).toEqual(["a", "b", "f", "c"]);
    expect(ids(assign([], [], cameras, 2, ["gone"]))).toEqual(["a", "b"]);
  });

  it("keeps the camera that somebody looks at closely, and the other tiles as they were", () => {
    const before = assign([], [slot(0, "a"), slot(1, "b")], cameras, 4);
    const held = { tile: 0, cameraId: "a" };
    expect(ids(assign(before, [slot(0, "e"), slot(1, "f")], cameras, 4, [], held))).toEqual(["a", "f", "c", "d"]);
  });
});
