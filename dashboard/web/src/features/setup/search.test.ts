import { describe, expect, it } from "vitest";

import { initials } from "./pinyin";
import { finds } from "./search";

describe("initials", () => {
  it.each([
    ["步行街南口", "bxjnk"],
    ["第一中学东门", "dyzxdm"],
    ["岭下小学", "lxxx"],
    ["煤场路 2 号", "mcl2h"],
    ["衢州圳口", "qzzk"],
    ["安澳二瓦屋", "aaeww"],
    ["West gate 3", "westgate3"],
    ["（备用）", "by"],
  ])("%s → %s", (name, letters) => expect(initials(name)).toBe(letters));
});

describe("finds", () => {
  const camera = { id: "cam-007", number: 7, names: ["步行街南口", "Walking street south"] };
  it.each(["", "步行", "bxj", "nk", "7", "cam-007", "WALKING", "步行 south"])("finds it by %j", (search) => expect(finds(camera, search)).toBe(true));
  it.each(["70", "广场", "步行 bxk", "zz"])("not by %j", (search) => expect(finds(camera, search)).toBe(false));
});
