import { describe, expect, it } from "vitest";

import { remembered } from "./layers";

describe("remembered", () => {
  it.each<[string | null, object]>([
    [null, { boxes: true, zones: false, trails: false }],
    ["", { boxes: false, zones: false, trails: false }],
    ["zones trails", { boxes: false, zones: true, trails: true }],
    ["of a later release", { boxes: false, zones: false, trails: false }],
  ])("%s", (text, layers) => {
    expect(remembered(text)).toEqual(layers);
  });
});
