import { describe, expect, it } from "vitest";

import type { CrowdCurve, Overview } from "@/lib/model";

import { crowdOption, heatOption, todayOption, type Style } from "./options";

const STYLE: Style = { font: "x", unit: 2, text: "#fff", muted: "#999", line: "#222", back: "#000", bar: "#00f", usual: "#fa0", limit: "#f00", ramp: ["#000", "#00f"] };
const WORDS = { today: "今日", usual: "平日", weekdays: ["一", "二", "三", "四", "五", "六", "日"] };
const TOLD: Overview = {
  region_id: null, at: 0, complete: true, open: [], sites: [], children: [], patrol: null, coverage: null, counted_places: 0, crowds: [], usual_days: 1, closings: { confirmed: 0, false: 0, test: 0 },
  hours: Array.from({ length: 24 }, (_, hour) => ({ start: hour * 3600, events: hour < 9 ? hour : null, usual: 2 })),
  heat: Array.from({ length: 7 }, (_, day) => Array.from({ length: 24 }, (_, hour) => day * hour)),
};

interface Drawn {
  readonly series: readonly { readonly type: string; readonly data: readonly unknown[] }[];
  readonly visualMap: { readonly max: number };
}
const drawn = (option: unknown): Drawn => option as Drawn;

describe("charts", () => {
  it("draw no bar for an hour to come, and no line where nothing is usual yet", () => {
    const { series } = drawn(todayOption(TOLD, STYLE, WORDS));
    expect(series.map(({ type }) => type)).toEqual(["bar", "line"]);
    expect(series[0]?.data.slice(8, 10)).toEqual([8, null]);
    expect(drawn(todayOption({ ...TOLD, usual_days: 0 }, STYLE, WORDS)).series).toHaveLength(1);
  });

  it("colour from nothing to the most, and say nothing before a day is stored", () => {
    const option = drawn(heatOption(TOLD, STYLE, WORDS));
    expect([option.visualMap.max, option.series[0]?.data.length]).toEqual([6 * 23, 168]);
    expect(heatOption({ ...TOLD, heat: null }, STYLE, WORDS)).toBeNull();
  });

  it("draw today's crowd last and dot its newest mean, the usual and the limit where there are any", () => {
    const today = Array.from({ length: 96 }, (_, quarter) => (quarter === 38 || quarter === 39 ? 2.5 : null));
    const curve: CrowdCurve = { camera_id: "a", rule_id: "r", place_id: "z", limit: 6, peak: 4, today, usual: today, usual_days: 1 };
    const { series } = drawn(crowdOption(curve, STYLE));
    expect(series).toHaveLength(3);
    expect(series[1]?.data[0]).toBe(6);
    expect(series[2]?.data.slice(38, 41)).toEqual([2.5, { value: 2.5, symbol: "circle", symbolSize: 18 }, null]);
    expect(drawn(crowdOption({ ...curve, limit: null, usual_days: 0 }, STYLE)).series).toHaveLength(1);
  });
});
