import { describe, expect, it } from "vitest";

import { Arrivals, follow, KEEP_BEHIND_S, SEEK_BEYOND_S, trimmable, USUAL_BEHIND_S, type Range } from "./liveEdge";

describe("follow", () => {
  it.each<[string, Range[], number, number, object]>([
    ["nothing is buffered", [], 0, 1, { do: "nothing" }],
    ["playback has not begun: the timeline starts anywhere", [[7_200, 7_202]], 0, 1, { do: "seek", to: 7_201.85 }],
    ["too far behind", [[0, 10]], 9, 1, { do: "seek", to: 9.85 }],
    ["a little behind", [[0, 10]], 9.7, 1, { do: "rate", rate: 1.08 }],
    ["more behind", [[0, 10]], 9.5, 1, { do: "rate", rate: 1.2 }],
    ["nearly caught up", [[0, 10]], 9.82, 1.08, { do: "nothing" }],
    ["caught up", [[0, 10]], 9.9, 1.2, { do: "rate", rate: 1 }],
    ["at the edge", [[0, 10]], 9.82, 1, { do: "nothing" }],
    ["the camera came back after a gap", [[0, 10], [40, 40.5]], 10, 1, { do: "seek", to: 40.35 }],
    ["a new stretch shorter than what is wanted", [[40, 40.05]], 10, 1, { do: "seek", to: 40 }],
    ["the timeline went back", [[0, 1]], 50, 1, { do: "seek", to: 0.85 }],
  ])("%s", (_why, ranges, current, rate, move) => {
    const found = follow(ranges, current, rate, 0.2);
    expect(found).toEqual("to" in move ? { do: "seek", to: expect.closeTo(move.to as number, 6) } : move);
  });

  it("never asks to wait behind longer than the limit, and what it jumps to needs no further jump", () => {
    for (let behind = 0; behind < 3; behind += 0.01) {
      const move = follow([[0, 10]], 10 - behind, 1, 0.3);
      if (behind > 0.3 + SEEK_BEYOND_S + 0.001) expect(move.do).toBe("seek");
      if (move.do === "seek") expect(follow([[0, 10]], move.to, 1, 0.3)).toEqual({ do: "nothing" });
    }
  });
});

describe("Arrivals", () => {
  const arrivals = (...lateness: number[]): Arrivals => {
    const seen = new Arrivals();
    for (let i = 0; i < 25; i++) seen.add(100 + i * 0.08, 5); // a GOP at once
    for (let i = 0; i < 100; i++) seen.add(102 + i * 0.08, 6 + i * 0.08 + (lateness[i % lateness.length] ?? 0));
    return seen;
  };

  it("keeps little behind what comes evenly, and more behind what does not", () => {
    expect(new Arrivals().wanted).toBe(USUAL_BEHIND_S);
    expect(arrivals(0).wanted).toBeCloseTo(0.14);
    expect(arrivals(0, 0.02, 0.15).wanted).toBeCloseTo(0.29);
    expect(arrivals(0, 3).wanted).toBe(0.6);
    expect(arrivals(0.3, ...Array.from({ length: 30 }, () => 0)).wanted).toBeCloseTo(0.14); // one in thirty
  });

  it("forgets an old delay, and a timeline that went on elsewhere", () => {
    const seen = arrivals(0, 0.3);
    for (let i = 0; i < 60; i++) seen.add(110 + i * 0.08, 14 + i * 0.08);
    expect(seen.wanted).toBeCloseTo(0.14);
    const moved = arrivals(0, 0.3);
    moved.add(4, 30);
    expect(moved.wanted).toBe(USUAL_BEHIND_S);
  });
});

describe("trimmable", () => {
  it("keeps some seconds behind the glass and trims rarely", () => {
    expect(trimmable([], 100)).toBeNull();
    expect(trimmable([[0, 12]], 11)).toBeNull();
    expect(trimmable([[0, 31]], 30)).toEqual([0, 30 - KEEP_BEHIND_S]);
  });
});
