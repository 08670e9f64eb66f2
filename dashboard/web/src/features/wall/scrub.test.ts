import { describe, expect, it } from "vitest";

import { row } from "@/lib/testing";

import { alarmBeside, bars, DAY_S, place, ticks, timeAt, windowOf } from "./scrub";

const NOW = 1_764_000_030;

describe("window", () => {
  it("is the last day, or an hour that holds what is played and never lies in the future", () => {
    const day = windowOf("24h", NOW, NOW);
    expect(day.to - day.from).toBe(DAY_S);
    expect(day.to - NOW).toBeGreaterThanOrEqual(0);
    for (const at of [NOW, NOW - 30, NOW - 1_000, NOW - 7_200, NOW - 80_000]) {
      const hour = windowOf("1h", at, NOW);
      expect(hour.to - hour.from).toBe(3_600);
      expect(hour.from).toBeLessThanOrEqual(at);
      expect(hour.to).toBeGreaterThanOrEqual(at);
      expect(hour.to).toBeLessThanOrEqual(NOW + 60);
    }
  });

  it("has a place for each time and a time for each place", () => {
    const day = windowOf("24h", NOW, NOW);
    expect(timeAt(day, place(day, NOW - 5_000))).toBeCloseTo(NOW - 5_000);
    expect(place(day, 0)).toBe(0);
    expect(timeAt(day, 7)).toBe(day.to);
  });
});

describe("bars", () => {
  const window = { from: 0, to: 1_000 };
  it("show gaps that can be seen and join what cannot", () => {
    const spans = [{ begins_at: -50, ends_at: 100 }, { begins_at: 100.2, ends_at: 200 }, { begins_at: 400, ends_at: 400.1 }, { begins_at: 2_000, ends_at: 3_000 }];
    expect(bars(window, spans, 0.01)).toEqual([{ left: 0, width: 0.2 }, { left: 0.4, width: expect.closeTo(0.01) as number }]);
  });
});

describe("ticks", () => {
  it("stand at whole hours of the zone's own clock", () => {
    const eight = 8 * 3_600;
    const found = ticks(windowOf("24h", NOW, NOW), "24h", eight);
    expect(found.length).toBeGreaterThanOrEqual(5);
    expect(found.every((at) => (at + eight) % (4 * 3_600) === 0)).toBe(true);
    expect(ticks({ from: 0, to: 3_600 }, "1h", 0)).toEqual([600, 1_200, 1_800, 2_400, 3_000]);
  });
});

describe("alarms", () => {
  const rows = [row("a", { occurred_at: 100 }), row("b", { occurred_at: 200 }), row("c", { occurred_at: 300 })];
  it("are gone through one by one", () => {
    expect(alarmBeside(rows, 200, 1)?.id).toBe("c");
    expect(alarmBeside(rows, 200, -1)?.id).toBe("a");
    expect(alarmBeside(rows, 300, 1)).toBeNull();
  });
});
