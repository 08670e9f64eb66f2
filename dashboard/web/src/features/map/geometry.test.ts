import { describe, expect, it } from "vitest";

import { boundsOf, centred, fit, inside, labelPoint, mercator, pathOf, project, unmercator, zoomOf, type Polygon } from "./geometry";

const SQUARE: Polygon = [[[118, 31], [119, 31], [119, 32], [118, 32], [118, 31]]];
const HOLED: Polygon = [...SQUARE, [[118.2, 31.2], [118.8, 31.2], [118.8, 31.8], [118.2, 31.8], [118.2, 31.2]]];

describe("the map's projection", () => {
  it("is Web Mercator and back", () => {
    expect(mercator([0, 0])).toEqual([0.5, expect.closeTo(0.5, 9)]);
    const [lon, lat] = unmercator(mercator([118.3, 31.6]));
    expect([lon, lat]).toEqual([expect.closeTo(118.3, 9), expect.closeTo(31.6, 9)]);
    expect(mercator([0, 90])[1]).toBeCloseTo(0, 4);
  });

  it("shows all that is looked at inside the margin, its middle in the middle", () => {
    const view = fit([118, 31, 119, 32], 800, 400, 20);
    const [top, bottom] = [project(view, [118.5, 32]), project(view, [118.5, 31])];
    expect([top.x, top.y, bottom.y]).toEqual([expect.closeTo(400, 6), expect.closeTo(20, 6), expect.closeTo(380, 6)]);
    expect(project(view, [118, 31]).x).toBeGreaterThan(20);
    expect(zoomOf({ ...view, world: 1024 })).toBe(1);
  });

  it("does not come closer than makes sense to a single point", () => {
    const view = fit([118, 31, 118, 31], 800, 400, 20);
    expect(Number.isFinite(view.world)).toBe(true);
    expect(project(view, [118, 31])).toEqual({ x: 400, y: 200 });
  });

  it("knows bounds, and moves them", () => {
    expect(boundsOf([])).toBeNull();
    expect(boundsOf(SQUARE.flat())).toEqual([118, 31, 119, 32]);
    expect(centred([118, 31, 119, 32], [120, 30])).toEqual([119.5, 29.5, 120.5, 30.5]);
  });

  it("draws rings and their holes", () => {
    expect(pathOf(fit([118, 31, 119, 32], 100, 100, 0), [HOLED]).match(/M[^Z]+Z/g)).toHaveLength(2);
  });
});

describe("a name", () => {
  it("stands inside, and not in a hole", () => {
    expect(inside([HOLED], [118.1, 31.5])).toBe(true);
    expect(inside([HOLED], [118.5, 31.5])).toBe(false);
    const at = labelPoint([HOLED], []);
    expect(at !== null && inside([HOLED], at)).toBe(true);
  });

  it("makes room for what else stands there", () => {
    expect(labelPoint([SQUARE], [])).toEqual([expect.closeTo(118.5, 1), expect.closeTo(31.5, 1)]);
    const at = labelPoint([SQUARE], [[118.5, 31.5]]);
    expect(at === null ? 0 : Math.abs(at[1] - 31.5) + Math.abs(at[0] - 118.5)).toBeGreaterThan(0.2);
    expect(labelPoint([], [])).toBeNull();
  });
});
