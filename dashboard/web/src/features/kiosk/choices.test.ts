import { describe, expect, it } from "vitest";

import { makeWords } from "@/lib/i18n";
import type { Scene } from "@/lib/model";
import { row } from "@/lib/testing";

import { choices, type Offer } from "./choices";

const words = makeWords({ getItem: () => "zh", setItem: () => undefined });
const place = (camera: string): string => `在${camera}`;
const scene = (id: string, tiles: (string | null)[]): Scene => ({ id, name: `名${id}`, region: "r", layout: "4", tiles, made_by: "a", made_by_name: "甲", made_at: 1, hidden: 0 });
const offer: Offer = { layout: "4", shown: ["a", null, "b", null], alarm: null, scenes: [], cameras: [{ id: "a", number: 1 }] };

describe("choices", () => {
  it("begin with what the desk sees and end with each camera", () => {
    const found = choices({ ...offer, alarm: row("e"), scenes: [scene("s", ["b", null, null, null])] }, words, place);
    expect(found.map(({ value }) => value)).toEqual(["layout", "alarm", "overview", "scene:s", "camera:a"]);
    expect(found[0]?.content).toEqual({ kind: "scene", layout: "4", tiles: ["a", null, "b", null], name: null });
    expect(found.at(-1)?.content).toEqual({ kind: "scene", layout: "1", tiles: ["a"], name: null });
  });

  it("leave out a wall that shows nothing and a scene of which nothing may be seen", () => {
    const found = choices({ ...offer, shown: [null], scenes: [scene("s", [null, null, null, null])] }, words, place);
    expect(found.map(({ value }) => value)).toEqual(["overview", "camera:a"]);
  });
});
