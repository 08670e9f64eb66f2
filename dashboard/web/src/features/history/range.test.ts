import { describe, expect, it } from "vitest";

import { bucket, query, span, UNFILTERED } from "./range";

const ZONE = "Asia/Shanghai";

describe("history's stretch of time", () => {
  it("reads own times in the site's zone", () => {
    expect(span({ ...UNFILTERED, range: "custom", from: "2026-11-23 00:00", to: "2026-11-23 08:00" }, 0, ZONE)).toEqual({ from: Date.UTC(2026, 10, 22, 16) / 1000, to: Date.UTC(2026, 10, 23) / 1000 });
  });

  it("says which fault a time has", () => {
    expect(span({ ...UNFILTERED, range: "custom", from: "x", to: "2026-11-23 08:00" }, 0, ZONE)).toBe("badtime");
    expect(span({ ...UNFILTERED, range: "custom", from: "2026-11-23 08:00", to: "2026-11-23 08:00" }, 0, ZONE)).toBe("badrange");
  });

  it("counts by hour as long as bars can be hit", () => {
    expect(bucket({ from: 0, to: 86_400 })).toBe("hour");
    expect(bucket({ from: 0, to: 7 * 86_400 })).toBe("day");
  });

  it("asks for a region, a site or a camera, whatever their ids hold", () => {
    const stretch = { from: 1, to: 2 };
    expect(query({ ...UNFILTERED, where: "site:a:b" }, stretch)).toEqual({ from: 1, to: 2, site: "a:b" });
    expect(query({ ...UNFILTERED, kind: "crowding", state: "new" }, stretch)).toEqual({ from: 1, to: 2, kind: "crowding", state: "new" });
    expect(query({ ...UNFILTERED }, stretch)).toEqual(stretch);
  });
});
