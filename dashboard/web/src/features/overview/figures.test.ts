import { describe, expect, it } from "vitest";

import type { Overview } from "@/lib/model";
import { health } from "@/lib/testing";

import { byState, coverage, falseShare, inState, percent, today } from "./figures";

const TOLD: Overview = {
  region_id: "county", at: 0, complete: true, sites: [], children: [], heat: null, patrol: null, usual_days: 2,
  open: [{ urgency: "high", state: "new", alarms: 2 }, { urgency: "low", state: "new", alarms: 1 }, { urgency: "low", state: "on_hold", alarms: 4 }],
  hours: [{ start: 0, events: 3, usual: 1.5 }, { start: 3600, events: 0, usual: 2 }, { start: 7200, events: null, usual: 9 }],
  closings: { confirmed: 3, false: 1, test: 5 },
};

describe("cameras", () => {
  const cameras = [health("a"), health("b", { fault: "dark" }), health("c", { unanalysed: "late" }), health("d", { phase: "refused" }), health("e", { silent: true })];

  it("are counted once each", () => {
    expect(byState(cameras)).toEqual({ good: 1, part: 1, unanalysed: 1, stale: 0, offline: 2, connecting: 0 });
  });

  it("cover what they show and what is looked at, of all there are", () => {
    expect(coverage(cameras, 8)).toBe(0.25);
    expect(coverage([], 0)).toBeNull();
  });
});

describe("figures", () => {
  it("compare today's hours that have begun with the usual ones", () => {
    expect(today(TOLD)).toEqual({ events: 3, usual: 3.5 });
    expect(today({ ...TOLD, usual_days: 0 }).usual).toBeNull();
  });

  it("count by state", () => {
    expect([inState(TOLD, ["new"]), inState(TOLD, ["in_progress", "on_hold"])]).toEqual([3, 4]);
  });

  it("judge false alarms without tests", () => {
    expect(falseShare(TOLD)).toBe(0.25);
    expect(falseShare({ closings: { confirmed: 0, false: 0, test: 2 } })).toBeNull();
  });

  it("never round something to all or nothing", () => {
    expect([1, 0.99996, 0.946, 0.0002, 0].map(percent)).toEqual(["100", "99.9", "94.6", "0.1", "0"]);
  });
});
