import { describe, expect, it } from "vitest";

import type { Piece, Source } from "./playback";
import { codecOf, joined, nextRecorded, recordedSource } from "./recorded";

const signal = new AbortController().signal;
const bytes = (...values: number[]): number[] => values;
const fourCC = (name: string): number[] => [...name].map((letter) => letter.charCodeAt(0));
const buffer = (...values: number[]): ArrayBuffer => new Uint8Array([...values, ...Array.from({ length: 24 }, () => 0)]).buffer;

describe("codecOf", () => {
  it.each([
    ["AVC, constrained baseline 3.0", buffer(0, 0, 0, 40, ...fourCC("avcC"), ...bytes(1, 0x42, 0xc0, 0x1e)), "avc1.42c01e"],
    ["HEVC, main 4.0, progressive", buffer(0, 0, 0, 40, ...fourCC("hvcC"), ...bytes(1, 0x01, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 120)), "hvc1.1.6.L120.b0"],
    ["HEVC, main 10, high tier", buffer(...fourCC("hvcC"), ...bytes(1, 0x22, 0x20, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 153)), "hvc1.2.4.H153.90"],
    ["nothing known", buffer(1, 2, 3), null],
  ])("names %s", (_, init, codec) => {
    expect(codecOf(init)).toBe(codec);
  });
});

describe("nextRecorded", () => {
  const spans = [{ begins_at: 100, ends_at: 200 }, { begins_at: 300, ends_at: 400 }];
  it.each([[50, 100], [150, 150], [200, 300], [199.99, 300], [399, 399], [400, null]])("from %d is %d", (from, next) => {
    expect(nextRecorded(spans, from)).toBe(next);
  });
});

describe("recordedSource", () => {
  const answer = (begins: number, ends: number) => ({ beginsAtS: begins, endsAtS: ends, data: buffer(...fourCC("avcC"), 1, 0x42, 0xc0, 0x1e) });

  it("passes a gap, begins with a short piece and goes on with long ones", async () => {
    const asked: [number, number][] = [];
    const source = recordedSource((from, until) => {
      asked.push([from, until]);
      return Promise.resolve(answer(from - 1, until));
    }, () => Promise.resolve([{ begins_at: 100, ends_at: 1_000 }]));
    const first = await source.piece(20, signal);
    expect(first).toMatchObject({ beginsAtS: 100, offsetS: 99, mime: 'video/mp4; codecs="avc1.42c01e"' });
    await source.piece(first?.endsAtS ?? 0, signal);
    expect(asked).toEqual([[100, 106], [106, 126]]);
  });

  it("ends where nothing is recorded any more", async () => {
    const source = recordedSource(() => Promise.resolve(null), () => Promise.resolve([]));
    expect(await source.piece(20, signal)).toBeNull();
  });
});

describe("joined", () => {
  const piece = (begins: number, mime: string): Piece => ({ mime, data: [], offsetS: 0, beginsAtS: begins, endsAtS: begins + 10 });
  const of = (mime: string, found: number | null): Source => ({ piece: () => Promise.resolve(found === null ? null : piece(found, mime)) });

  it.each([
    ["the page's own pictures where they reach", 950, of("recorded", 950), "recent"],
    ["the recording before them", 500, of("recorded", 500), "recorded"],
    ["their beginning when the recording has only later pictures", 500, of("recorded", 960), "recent"],
    ["their beginning where nothing is recorded", 500, of("recorded", null), "recent"],
    ["their beginning without the right to see recordings", 500, null, "recent"],
  ])("plays %s", async (_, from, recorded, taken) => {
    const source = joined(of("recent", Math.max(from, 940)), () => 940, recorded);
    expect((await source.piece(from, signal))?.mime).toBe(taken);
  });
});
