import { describe, expect, it } from "vitest";

import { pan, transform, WHOLE, zoomAt, type Zoom } from "./zoom";

const at = ({ scale, x, y }: Zoom, u: number, v: number): [number, number] => [x + u * scale, y + v * scale];

describe("zoom", () => {
  it("keeps what is under the pointer where it is", () => {
    const once = zoomAt(WHOLE, 2, 0.3, 0.6);
    expect(at(once, 0.3, 0.6)).toEqual([expect.closeTo(0.3), expect.closeTo(0.6)]);
  });

  it("comes back to the whole picture, however far it was moved", () => {
    const far = pan(zoomAt(WHOLE, 4, 1, 1), -9, -9);
    expect(zoomAt(far, 0.01, 0.5, 0.5)).toEqual(WHOLE);
  });

  it.each([[9, 9], [-9, -9], [9, -9], [0.1, 0]])("lets no edge come inside the tile when moved by %d, %d", (dx, dy) => {
    const moved = pan(zoomAt(WHOLE, 3, 0.5, 0.5), dx, dy);
    const [left, top] = at(moved, 0, 0);
    const [right, bottom] = at(moved, 1, 1);
    expect(Math.max(left, top)).toBeLessThanOrEqual(0);
    expect(Math.min(right, bottom)).toBeGreaterThanOrEqual(1);
  });

  it("ends at eight times, and the whole picture cannot be moved", () => {
    expect(zoomAt(WHOLE, 1000, 0, 0).scale).toBe(8);
    expect(pan(WHOLE, 0.5, 0.5)).toEqual(WHOLE);
  });

  it("is a transform from the top left", () => {
    expect(transform(WHOLE)).toBe("none");
    expect(transform({ scale: 2, x: -0.5, y: 0 })).toBe("translate(-50.000%, 0.000%) scale(2.0000)");
  });
});
