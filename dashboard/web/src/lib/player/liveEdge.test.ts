import { describe, expect, it } from "vitest";

import { EDGE_MARGIN_S, follow, KEEP_BEHIND_S, SEEK_BEHIND_S, trimmable, type Range } from "./liveEdge";

describe("follow", () => {
  it.each<[string, Range[], number, number, object]>([
    ["nothing is buffered", [], 0, 1, { do: "nothing" }],
    ["playback has not begun: the timeline starts anywhere", [[7_200, 7_202]], 0, 1, { do: "seek", to: 7_202 - EDGE_MARGIN_S }],
    ["too far behind", [[0, 10]], 9, 1, { do: "seek", to: 10 - EDGE_MARGIN_S }],
    ["a little behind", [[0, 10]], 9.6, 1, { do: "rate", rate: 1.08 }],
    ["more behind", [[0, 10]], 9.4, 1, { do: "rate", rate: 1.2 }],
    ["caught up", [[0, 10]], 9.9, 1.2, { do: "rate", rate: 1 }],
    ["at the edge", [[0, 10]], 9.9, 1, { do: "nothing" }],
    ["the camera came back after a gap", [[0, 10], [40, 40.5]], 10, 1, { do: "seek", to: 40.5 - EDGE_MARGIN_S }],
    ["a new stretch shorter than the margin", [[40, 40.05]], 10, 1, { do: "seek", to: 40 }],
    ["the timeline went back", [[0, 1]], 50, 1, { do: "seek", to: 1 - EDGE_MARGIN_S }],
  ])("%s", (_why, ranges, current, rate, move) => {
    expect(follow(ranges, current, rate)).toEqual(move);
  });

  it("never asks to wait behind longer than the limit", () => {
    for (let behind = 0; behind < 3; behind += 0.01) {
      const move = follow([[0, 10]], 10 - behind, 1);
      if (behind > SEEK_BEHIND_S + 0.001) expect(move.do).toBe("seek");
    }
  });
});

describe("trimmable", () => {
  it("keeps some seconds behind the glass and trims rarely", () => {
    expect(trimmable([], 100)).toBeNull();
    expect(trimmable([[0, 12]], 11)).toBeNull();
    expect(trimmable([[0, 31]], 30)).toEqual([0, 30 - KEEP_BEHIND_S]);
  });
});
