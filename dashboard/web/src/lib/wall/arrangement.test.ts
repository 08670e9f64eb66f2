import { describe, expect, it } from "vitest";

import { exchange, ofScene, pin, store, stored, USUAL, type Arrangement, type Shown } from "./arrangement";

const free: Arrangement = { layout: "4", pins: [] };
const held = (cameraId: string): Shown => ({ cameraId, rotating: false });
const rotating = (cameraId: string): Shown => ({ cameraId, rotating: true });

describe("exchange", () => {
  it("pins what was moved and puts what stood there in its old place", () => {
    expect(exchange(free, [held("a"), held("b"), held("c"), null], 0, 2).pins).toEqual(["c", null, "a"]);
  });

  it("leaves to the rotation what the rotation showed", () => {
    expect(exchange(free, [held("a"), rotating("b")], 0, 1).pins).toEqual([null, "a"]);
  });

  it("moves a pin with its camera", () => {
    const arranged = pin(free, 0, "a");
    expect(exchange(arranged, [held("a"), null, null, null], 0, 3).pins).toEqual([null, null, null, "a"]);
  });

  it("changes nothing when a tile is dropped where it was, or is empty", () => {
    expect(exchange(free, [held("a")], 0, 0)).toBe(free);
    expect(exchange(free, [null, held("b")], 0, 1)).toBe(free);
  });
});

describe("pin", () => {
  it("holds a camera once on the wall, and lets go again", () => {
    const twice = pin(pin(free, 0, "a"), 2, "a");
    expect(twice.pins).toEqual([null, null, "a"]);
    expect(pin(twice, 2, null).pins).toEqual([]);
  });
});

describe("scenes and reloads", () => {
  it("opens a scene as pins, at most as many as its layout has tiles", () => {
    expect(ofScene({ layout: "1+5", tiles: ["a", null, "b", "a", null, null, "z"] })).toEqual({ layout: "1+5", pins: [null, null, "b", "a"] });
    expect(ofScene({ layout: "3d", tiles: [] })).toBeNull();
  });

  it("survives a reload", () => {
    const kept = new Map<string, string>();
    const storage = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) };
    const arranged: Arrangement = { layout: "1+7", pins: ["a", null, "b"] };
    store(storage, arranged);
    expect(stored(storage)).toEqual(arranged);
  });

  it.each(["", "null", "{", '{"layout":"9"}', '{"layout":"99","pins":[]}', '{"layout":"9","pins":"a"}'])("begins as usual with %s in the storage", (text) => {
    expect(stored({ getItem: () => text })).toEqual(USUAL);
  });
});
