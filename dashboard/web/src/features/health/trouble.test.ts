import { describe, expect, it } from "vitest";

import type { CameraHealth } from "@/lib/model";

import { advice, isGood, troubleFirst } from "./trouble";

const camera = (camera_id: string, change: Partial<CameraHealth> = {}): CameraHealth => ({
  v: 1, camera_id, worker_id: "w", at: 0, phase: "live", fault: null, since: 100, attempt: 0, detail: "", next_try_at: null, last_picture_at: null, clock: "rtcp",
  received: 0, analysed: 0, dropped: {}, fps_received: 0, fps_analysed: 0, gate: "off", level: "full", detector: "m", silent: false, ...change,
});

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
});
