import { describe, expect, it } from "vitest";

import { health } from "@/lib/testing";

import { siteState } from "./sites";

describe("a site's state", () => {
  it.each([
    ["all cameras show", [health("a"), health("b")], "good"],
    ["one is away", [health("a"), health("b", { phase: "offline" })], "part"],
    ["pictures come and nothing looks at them", [health("a", { unanalysed: "late" })], "part"],
    ["its picture is dark", [health("a", { fault: "dark" })], "part"],
    ["the worker is silent", [health("a", { silent: true })], "off"],
    ["its picture stands still", [health("a", { phase: "stale" })], "part"],
    ["the login is refused", [health("a", { phase: "refused" })], "off"],
    ["it is being opened", [health("a", { phase: "connecting" })], "unknown"],
    ["nobody has spoken of it", [undefined], "unknown"],
    ["one of two is known", [health("a"), undefined], "part"],
  ] as const)("%s", (_, cameras, state) => {
    expect(siteState(cameras)).toBe(state);
  });
});
