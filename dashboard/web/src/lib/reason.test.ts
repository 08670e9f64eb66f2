import { describe, expect, it } from "vitest";

import { makeWords } from "./i18n";
import { chip, reason } from "./reason";
import { row } from "./testing";

const words = (language: string) => makeWords({ getItem: () => language, setItem: () => undefined });
const zh = words("zh");
const en = words("en");

describe("reason", () => {
  it("says the measured value against its limit", () => {
    expect(reason(row("a"), zh)).toBe("22 人在「步行街」，限 15");
    expect(chip(row("a"), zh)).toBe("22 人 / 限 15");
    expect(reason(row("a"), en)).toBe("22 people in “步行街”, limit 15");
  });

  it("calls people only what was seen as people", () => {
    const car = { track_id: 2, label: "car", score: 0.9, box: [0, 0, 1, 1] as [number, number, number, number] };
    expect(chip(row("a", { objects: [car] }), zh)).toBe("22 个 / 限 15");
    expect(chip(row("a", { objects: [] }), zh)).toBe("22 个 / 限 15");
  });

  it("tells dwelling from entering", () => {
    const dwelt = row("a", { kind: "intrusion", unit: "s", measured: 6.21, limit: 5 });
    expect(reason(dwelt, zh)).toBe("1 人进入「步行街」，停留 6.2 s，限 5 s");
    expect(reason({ ...dwelt, limit: 0 }, zh)).toBe("1 人进入「步行街」");
    expect(chip(dwelt, en)).toBe("6.2 s / limit 5 s");
  });

  it("names the direction of a crossing", () => {
    const crossing = row("a", { kind: "line_crossing", unit: "crossings", measured: 1, limit: 1, direction: "forward", place_name: "北墙" });
    expect(reason(crossing, en)).toBe("1 person crossed “北墙”, forward");
  });

  it("names the fault of a lost camera in words, an unknown one too", () => {
    const lost = row("a", { kind: "camera_offline", unit: "s", measured: 33, limit: 10, fault: "unreachable", place_name: null, objects: [] });
    expect(reason(lost, zh)).toBe("无法连接，33 s 没有新画面（触发 10 s）");
    expect(reason({ ...lost, fault: "eaten" }, zh)).toContain("没有画面，33 s");
  });
});
