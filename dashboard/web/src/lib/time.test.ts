import { describe, expect, it } from "vitest";

import { age, clock, elapsed, minute, moment, parseMinute } from "./time";

const ZONE = "Asia/Shanghai";
const MS = Date.UTC(2026, 10, 22, 19, 14, 22); // 2026-11-23 03:14:22 in Shanghai

describe("times in the site's zone", () => {
  it("reads the wall's clock, not the browser's", () => {
    expect(clock(MS, ZONE)).toBe("03:14:22");
    expect(clock(MS, "UTC")).toBe("19:14:22");
  });

  it("gives times of today without a date, others with it", () => {
    expect(moment(MS, MS + 60_000, ZONE)).toBe("03:14:22");
    expect(moment(MS, MS + 86_400_000, ZONE)).toBe("11-23 03:14:22");
  });

  it("writes midnight as 00, never 24", () => {
    expect(clock(Date.UTC(2026, 10, 22, 16, 0, 0), ZONE)).toBe("00:00:00");
  });

  it("takes back what it wrote, in zones with and without clock changes", () => {
    for (const zone of [ZONE, "Europe/Berlin", "UTC", "Asia/Kathmandu"]) {
      for (let i = 0; i < 400; i++) {
        const ms = Date.UTC(2026, 0, 1) + i * 86_400_000 * 0.913;
        const text = minute(ms, zone);
        const back = parseMinute(text, zone);
        expect(back).not.toBeNull();
        expect(minute(back as number, zone)).toBe(text);
      }
    }
  });

  it.each(["", "2026-11-23", "2026-13-01 00:00", "2026-02-30 10:00", "2026-11-23 24:00", "yesterday", "23.11.2026 03:14"])("refuses %j", (text) => {
    expect(parseMinute(text, ZONE)).toBeNull();
  });
});

describe("durations", () => {
  it.each([[0, "0:00"], [13_400, "0:13"], [724_000, "12:04"], [3_723_000, "1:02:03"], [-5, "0:00"]])("%d ms count up as %s", (ms, text) => {
    expect(elapsed(ms)).toBe(text);
  });

  it.each([[212, "0.2 s"], [9_949, "9.9 s"], [12_900, "12 s"], [65_000, "1:05"]])("a picture of %d ms is %s old", (ms, text) => {
    expect(age(ms)).toBe(text);
  });
});
