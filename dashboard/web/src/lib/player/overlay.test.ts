import { describe, expect, it } from "vitest";

import { fit, MAX_CROP } from "./overlay";

describe("fit", () => {
  it.each([
    ["the same shape", [640, 360, 1920, 1080], { x: 0, y: 0, width: 640, height: 360, mode: "cover" }],
    ["a little taller: the sides are cut", [480, 300, 640, 360], { mode: "cover", height: 300 }],
    ["a square picture is shown whole", [640, 360, 480, 480], { mode: "contain", height: 360, width: 360, x: 140 }],
  ] as const)("%s", (_why, [tw, th, w, h], expected) => {
    expect(fit(tw, th, w, h, false)).toMatchObject(expected);
  });

  it("never cuts off more than the limit, nor anything where the whole is wanted", () => {
    for (let width = 200; width < 2_000; width += 37) {
      for (let height = 100; height < 1_200; height += 41) {
        const free = fit(width, height, 1920, 1080, false);
        expect(Math.max(-2 * free.x / free.width, -2 * free.y / free.height)).toBeLessThanOrEqual(MAX_CROP + 1e-9);
        const whole = fit(width, height, 1920, 1080, true);
        expect(Math.min(whole.x, whole.y)).toBeGreaterThanOrEqual(-1e-9);
      }
    }
  });

  it("survives a tile or picture without size", () => {
    expect(fit(0, 0, 1920, 1080, false).width).toBe(0);
    expect(fit(100, 100, 0, 0, false).width).toBe(0);
  });
});
