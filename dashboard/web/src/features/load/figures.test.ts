import { describe, expect, it } from "vitest";

import { bars, percent, rate } from "./figures";

describe("figures", () => {
  it("never write something as nothing", () => {
    expect([0, 0.004, 0.04, 0.42, 4, 4.23, 42.4].map(rate)).toEqual(["0", "<0.01", "0.04", "0.4", "4", "4.2", "42"]);
    expect([0, 0.0004, 0.042, 0.42, 1].map(percent)).toEqual(["0", "<0.1", "4.2", "42", "100"]);
  });
});

describe("bars", () => {
  const bucket = (alarms: number) => ({ start: 0, alarms });

  it("start at zero and keep the limit in sight on a quiet day", () => {
    expect(bars({ bucket: "hour", operators: 1, buckets: [bucket(0), bucket(3)] })).toEqual({ heights: [0, 0.5], limit: 1, top: 6 });
  });

  it("hold the highest, and the limit grows with the people and the day", () => {
    expect(bars({ bucket: "hour", operators: 2, buckets: [bucket(24)] })).toEqual({ heights: [1], limit: 0.5, top: 24 });
    expect(bars({ bucket: "day", operators: 1, buckets: [bucket(72)] }).limit).toBe(1);
  });

  it("are none for nothing", () => {
    expect(bars({ bucket: "hour", operators: 1, buckets: [] }).heights).toEqual([]);
  });
});
