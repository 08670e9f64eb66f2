import { describe, expect, it } from "vitest";

import { health as camera } from "@/lib/testing";

import { advice, condition, isGood, sinceOf, troubleFirst } from "./trouble";

describe("troubleFirst", () => {
  it("puts what shows no picture first, then what shows a bad one, then the good in file order", () => {
    const cameras = [camera("b"), camera("a"), camera("dark", { fault: "dark" }), camera("stale", { phase: "stale", fault: "frozen" }), camera("gone", { silent: true, phase: "live" }), camera("off", { phase: "offline", fault: "unreachable" })];
    expect(troubleFirst(cameras, ["a", "b"]).map(({ camera_id }) => camera_id)).toEqual(["gone", "off", "stale", "dark", "a", "b"]);
  });

  it("puts the longest trouble first among its like", () => {
    const cameras = [camera("late", { phase: "offline", fault: "unreachable", since: 50 }), camera("long", { phase: "offline", fault: "unreachable", since: 10 })];
    expect(troubleFirst(cameras, []).map(({ camera_id }) => camera_id)).toEqual(["long", "late"]);
  });

  it("gives every camera in trouble a way on, and a good one none", () => {
    expect(advice(camera("a"))).toBeNull();
    expect(isGood(camera("a", { silent: true }))).toBe(false);
    expect(advice(camera("a", { silent: true }))).toBe("worker");
    expect(advice(camera("a", { phase: "connecting" }))).toBe("connecting");
    expect(advice(camera("a", { phase: "offline" }))).toBe("unknown");
    expect(advice(camera("a", { fault: "dark" }))).toBe("dark");
  });

  it("counts a camera that nobody looks at as trouble, behind those without a picture, whatever its picture shows", () => {
    const blind = camera("blind", { unanalysed: "detector_error", unanalysed_since: 140 });
    expect(troubleFirst([camera("a"), camera("dark", { fault: "dark" }), blind, camera("stale", { phase: "stale" })], []).map(({ camera_id }) => camera_id)).toEqual(["stale", "blind", "dark", "a"]);
    expect([isGood(blind), condition(blind), advice(blind), sinceOf(blind)]).toEqual([false, "unanalysed", "detector_error", 140]);
    expect(condition(camera("a", { unanalysed: "late", silent: true }))).toBe("silent");
    expect(isGood(camera("a", { gate: "shut" }))).toBe(true);
  });
});
