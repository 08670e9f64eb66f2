import { describe, expect, it } from "vitest";

import type { Overview } from "@/lib/model";
import { health } from "@/lib/testing";

import { byState, counting, coverage, falseShare, inState, leastSeen, patrolRows, percent, today } from "./figures";

const TOLD: Overview = {
  region_id: "county", at: 0, complete: true, sites: [], children: [], heat: null, patrol: null, coverage: null, counted_places: 0, crowds: [], usual_days: 2,
  open: [{ urgency: "high", state: "new", alarms: 2 }, { urgency: "low", state: "new", alarms: 1 }, { urgency: "low", state: "on_hold", alarms: 4 }],
  hours: [{ start: 0, events: 3, usual: 1.5 }, { start: 3600, events: 0, usual: 2 }, { start: 7200, events: null, usual: 9 }],
  closings: { confirmed: 3, false: 1, test: 5 },
};

describe("cameras", () => {
  const cameras = [health("a"), health("b", { fault: "dark" }), health("c", { unanalysed: "late" }), health("d", { phase: "refused" }), health("e", { silent: true })];

  it("are counted once each", () => {
    expect(byState(cameras)).toEqual({ good: 1, part: 1, unanalysed: 1, stale: 0, offline: 2, connecting: 0 });
  });

  it("cover what they show and what is looked at, of all there are; the dark one shows nothing", () => {
    expect(coverage(cameras, 8)).toBe(0.125);
    expect(coverage([], 0)).toBeNull();
  });

  it("are named by the region that was seen least, unless all was seen", () => {
    const child = (region_id: string, shown: number | null) => ({ region_id, coverage: shown === null ? null : { shown, since: 0 }, patrol: null, urgency: null, alarms: 0, unacknowledged: 0, today: 0, stops: 0, owed: 0 });
    expect(leastSeen({ ...TOLD, children: [child("a", 1), child("b", 0.9), child("c", null)] })).toEqual({ region: "b", shown: 0.9 });
    expect(leastSeen({ ...TOLD, children: [child("a", 1), child("b", 1)] })).toBeNull();
    expect(leastSeen(TOLD)).toBeNull();
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

describe("the patrol", () => {
  const child = (region_id: string, due: number, kept: number, least_slack_s: number | null, stops = 3) => ({ region_id, stops, patrol: { due, kept, least_slack_s }, coverage: null, urgency: null, alarms: 0, unacknowledged: 0, today: 0, owed: 0 });
  const patrol = { stops: 9, owed: 0, visits: 0, preempted: 0, revisit_s: 60, since: 0, compliance: { due: 10, kept: 9, least_slack_s: -3 } };

  it("shows the worst regions first, and those without a verdict last", () => {
    const children = [child("good", 4, 4, 9), child("new", 0, 0, null), child("bad", 4, 2, -80), child("tight", 4, 4, 1), child("none", 0, 0, null, 0)];
    expect(patrolRows({ ...TOLD, patrol, children }).map(({ region, share, slack }) => [region, share, slack])).toEqual([["bad", 0.5, -80], ["tight", 1, 1], ["good", 1, 9], ["new", null, null]]);
  });

  it("is told for the region itself where nothing is below it, and not where it does not come", () => {
    expect(patrolRows({ ...TOLD, patrol })).toEqual([{ region: null, share: 0.9, slack: -3 }]);
    expect(patrolRows({ ...TOLD, patrol: { ...patrol, stops: 0 } })).toEqual([]);
    expect(patrolRows(TOLD)).toEqual([]);
  });

  it("says since when it is counted, until that is a day", () => {
    const t = (key: string, values: Readonly<Record<string, string | number>> = {}): string => `${key} ${values["time"] ?? ""}`.trim();
    expect([null, 3600, 10].map((since) => counting(since, 86_400, "UTC", t))).toEqual(["overview.counting.not", "overview.counting.since 01:00", "overview.counting.day"]);
  });
});
