import { describe, expect, it } from "vitest";

import { Timeline } from "./timeline";

const overlay = (pts_s: number, id: number) => ({ v: 1 as const, type: "overlay" as const, camera_id: "c", pts_s, boxes: [{ id, label: "person", score: 0.9, box: [0, 0, 1, 1] as [number, number, number, number], alarm: false }] });

describe("Timeline", () => {
  it("gives the capture time of the picture on the glass, between two references too", () => {
    const timeline = new Timeline();
    timeline.addReference({ mediaTime: 10, captureMs: 1_000_000 });
    timeline.addReference({ mediaTime: 10.2, captureMs: 1_000_200 });
    expect(timeline.captureMs(10)).toBe(1_000_000);
    expect(timeline.captureMs(10.1)).toBeCloseTo(1_000_100, 3);
  });

  it("admits that it does not know rather than guess across a gap", () => {
    const timeline = new Timeline();
    expect(timeline.captureMs(1)).toBeNull();
    timeline.addReference({ mediaTime: 10, captureMs: 1_000_000 });
    expect(timeline.captureMs(15)).toBeNull();
  });

  it("knows the age of a session's first pictures from the first one that is sure, and not from the session before", () => {
    const timeline = new Timeline();
    timeline.addReference({ mediaTime: 10, captureMs: 1_000_000 });
    // A group of pictures that begins 1.2 s before now comes at once, 0.5 s after the session before ended.
    for (let i = 0; i < 15; i++) timeline.addReference({ mediaTime: 10.5 + i * 0.08, captureMs: 1_000_500, provisional: true });
    expect(timeline.captureMs(10)).toBe(1_000_000);
    expect(timeline.captureMs(10.5)).toBeNull();
    expect(timeline.captureMs(11.62)).toBeNull();
    timeline.addReference({ mediaTime: 11.7, captureMs: 1_000_580 });
    expect(timeline.captureMs(10.5)).toBeCloseTo(999_380, 3);
    expect(timeline.captureMs(11.62)).toBeCloseTo(1_000_500, 3);
  });

  it("draws only boxes of the past, and only young ones", () => {
    const timeline = new Timeline();
    timeline.addOverlay(overlay(10, 1));
    timeline.addOverlay(overlay(10.4, 2));
    expect(timeline.overlay(10.3)?.boxes.map(({ id }) => id)).toEqual([1]);
    expect(timeline.overlay(10.5)?.boxes.map(({ id }) => id)).toEqual([2]);
    expect(timeline.overlay(11.2)).toBeNull();
    expect(timeline.overlay(9)).toBeNull();
  });

  it("follows who is on the picture, up to it and no further back than a trail goes", () => {
    const timeline = new Timeline();
    const at = (pts_s: number, x: number) => ({ ...overlay(pts_s, 1), boxes: overlay(pts_s, 1).boxes.map((each) => ({ ...each, box: [x, 0, x + 0.2, 0.5] as [number, number, number, number] })) });
    for (const [pts, x] of [[3, 0], [10, 0.1], [10.5, 0.2]] as const) timeline.addOverlay(at(pts, x));
    timeline.addOverlay(overlay(10.6, 2)); // gone since
    timeline.addOverlay(at(11, 0.3));
    const trails = (mediaTime: number) => timeline.trails(timeline.overlay(mediaTime) ?? overlay(0, 0));
    expect(trails(10.7).map(({ id }) => id)).toEqual([2]);
    expect(trails(11)).toMatchObject([{ id: 1, points: [[0.2, 0.5], [expect.closeTo(0.3), 0.5], [0.4, 0.5]] }]);
  });

  it("keeps the newest only, so that a tile may run for months", () => {
    const timeline = new Timeline(3);
    for (let i = 0; i < 100; i++) timeline.addReference({ mediaTime: i, captureMs: i * 1000 });
    expect(timeline.captureMs(99)).toBe(99_000);
    expect(timeline.captureMs(50)).toBeNull();
  });
});
