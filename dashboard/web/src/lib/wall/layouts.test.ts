import { describe, expect, it } from "vitest";

import { gridArea, LAYOUT_KEYS, layoutName, layoutOf, LAYOUTS, neighbour } from "./layouts";

describe("layouts", () => {
  it.each(LAYOUTS)("%s covers its grid once, without a hole", (name) => {
    const { side, cells } = layoutOf(name);
    const covered = cells.flatMap(({ column, row, span }) => Array.from({ length: span * span }, (_, i) => `${column + (i % span)},${row + Math.floor(i / span)}`));
    expect(new Set(covered).size).toBe(covered.length);
    expect(covered).toHaveLength(side * side);
  });

  it("have as many tiles as they say", () => {
    expect(LAYOUTS.map((name) => layoutOf(name).cells.length)).toEqual([1, 4, 9, 16, 25, 6, 8]);
    expect(new Set(Object.values(LAYOUT_KEYS)).size).toBe(LAYOUTS.length);
  });

  it("are known by name or number, and nothing else is", () => {
    expect(layoutName("1+5")).toBe("1+5");
    expect(layoutName(16)).toBe("16");
    expect(layoutName("7")).toBeNull();
    expect(layoutName(null)).toBeNull();
  });

  it("stand in the grid by CSS lines", () => {
    expect(gridArea({ column: 2, row: 1, span: 1 })).toBe("2 / 3 / span 1 / span 1");
  });
});

describe("neighbour", () => {
  it.each([
    ["9", 4, "left", 3],
    ["9", 4, "right", 5],
    ["9", 4, "up", 1],
    ["9", 4, "down", 7],
    ["9", 0, "left", 0],
    ["9", 8, "down", 8],
    ["1+5", 0, "right", 1],
    ["1+5", 0, "down", 3],
    ["1+5", 2, "left", 0],
    ["1+5", 5, "up", 2],
    ["1+7", 7, "left", 6],
  ] as const)("in %s of tile %i to the %s is %i", (name, from, direction, to) => {
    expect(neighbour(layoutOf(name), from, direction)).toBe(to);
  });

  it("is reached back the same way between tiles of one size", () => {
    const layout = layoutOf("25");
    for (let tile = 0; tile < 25; tile++) {
      const right = neighbour(layout, tile, "right");
      if (right !== tile) expect(neighbour(layout, right, "left")).toBe(tile);
    }
  });
});
