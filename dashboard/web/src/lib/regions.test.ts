import { describe, expect, it } from "vitest";

import type { RegionInfo } from "@/lib/model";

import { idsOf, pathTo } from "./regions";

const region = (id: string, ...children: RegionInfo[]): RegionInfo => ({ id, name: id, name_en: null, level: "town", children });
const ROOTS = [region("city", region("county", region("east", region("village")), region("west")))];

describe("the region tree", () => {
  it("leads from a root to a region", () => {
    expect(pathTo(ROOTS, "village").map(({ id }) => id)).toEqual(["city", "county", "east", "village"]);
    expect(pathTo(ROOTS, "nowhere")).toEqual([]);
  });

  it("knows what lies below", () => {
    expect([...idsOf(pathTo(ROOTS, "east").slice(-1))]).toEqual(["east", "village"]);
    expect(idsOf(ROOTS).size).toBe(5);
  });
});
