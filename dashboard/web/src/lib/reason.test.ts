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

  it("says for how long there were too many, and how close they stood", () => {
    const lasting = { unit: "objects", measured: 3, limit: 2, lasted_s: 12.04, lasted_limit_s: 10 } as const;
    expect(reason(row("a", lasting), en)).toBe("3 people in “步行街” for 12.0 s, limit 2 for 10 s");
    const dense = row("a", { unit: "per_m2", measured: 0.625, limit: 0.5 });
    expect(reason(dense, en)).toBe("0.63 a square metre in “步行街”, limit 0.5");
    expect(chip(dense, zh)).toBe("0.63 人/m² / 限 0.5");
  });

  it("has a sentence for each kind", () => {
    const timed = { unit: "s", measured: 65.2, limit: 60 } as const;
    expect(reason(row("a", { kind: "loitering", ...timed }), en)).toBe("1 person loitering in “步行街” for 65.2 s, limit 60 s");
    expect(reason(row("a", { kind: "unattended", ...timed, objects: [] }), zh)).toBe("「步行街」缺岗 65.2 s，限 60 s");
    expect(reason(row("a", { kind: "wrong_way", ...timed }), zh)).toBe("1 人在「步行街」逆行 65.2 s，限 60 s");
    expect(reason(row("a", { kind: "stopped_vehicle", ...timed }), en)).toContain("standing in “步行街” for 65.2 s");
    expect(reason(row("a", { kind: "camera_fault", ...timed, fault: "dark" }), zh)).toBe("画面全黑或被遮挡，持续 65.2 s（触发 60 s）");
    expect(chip(row("a", { kind: "unattended", ...timed }), en)).toBe("65.2 s / limit 60 s");
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
