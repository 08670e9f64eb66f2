import { describe, expect, it } from "vitest";

import { isKey, KEEP_MS, Recent, recentSource } from "./recent";

/** A fragment as the server lays it out, of `size` bytes, told apart by its last byte. */
function fragment(key: boolean, mark = 0, size = 200): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(size));
  view.setUint32(104, 0x7472756e);
  view.setUint32(128, key ? 0x02000000 : 0x01010000);
  view.setUint8(size - 1, mark);
  return view.buffer;
}

/** `seconds` of 10 fps, a key frame a second, captured from `fromS` on; media time begins at 7. */
function filled(fromS: number, seconds: number): Recent {
  const recent = new Recent();
  recent.init("video/mp4", new ArrayBuffer(8));
  for (let i = 0; i < seconds * 10; i++) recent.add(fragment(i % 10 === 0, i), { captureMs: (fromS + i / 10) * 1000, mediaTime: 7 + i / 10 });
  return recent;
}

describe("recent pictures", () => {
  it("know a key frame", () => {
    expect([isKey(fragment(true)), isKey(fragment(false)), isKey(new ArrayBuffer(20))]).toEqual([true, false, false]);
  });

  it("are kept for half a minute and no longer", () => {
    const recent = filled(1_000, 100);
    const [from, to] = recent.extent() ?? [0, 0];
    expect(to).toBeCloseTo(1_099_900);
    expect(to - from).toBeCloseTo(KEEP_MS, -2);
  });

  it("begin with the key frame before what is wanted, on the time of capture", () => {
    const piece = filled(1_000, 20).piece(1_012.34);
    expect(piece?.offsetS).toBeCloseTo(993);
    expect(piece?.beginsAtS).toBeCloseTo(1_012.4);
    expect(piece?.endsAtS).toBeCloseTo(1_019.9);
    expect(piece?.data).toHaveLength(1 + 80); // init, and from second 12 on
  });

  it("are nothing before the first picture and after the last", () => {
    expect(new Recent().extent()).toBeNull();
    expect(new Recent().piece(0)).toBeNull();
    expect(filled(1_000, 2).piece(1_002)).toBeNull();
  });

  it("keep a reconnection apart, on its own timeline", () => {
    const recent = filled(1_000, 5);
    recent.init("video/mp4", new ArrayBuffer(8));
    recent.add(fragment(true), { captureMs: 1_010_000, mediaTime: 0 });
    expect(recent.piece(1_004.95)?.offsetS).toBeCloseTo(1_010);
    expect(recent.piece(1_001)?.offsetS).toBeCloseTo(993);
  });

  it("take no more memory than they may", () => {
    const recent = new Recent();
    recent.init("video/mp4", new ArrayBuffer(8));
    for (let i = 0; i < 60; i++) recent.add(fragment(true, 0, 1_000_000), { captureMs: 1_000_000 + i * 100, mediaTime: i / 10 });
    const [from, to] = recent.extent() ?? [0, 0];
    expect(to - from).toBeLessThanOrEqual(2_600);
    expect(to).toBe(1_005_900);
  });
});

describe("the recent pictures of several views", () => {
  it("go from the sub stream to main where that begins, and prefer main where both reach", async () => {
    const sub = filled(1_000, 20);
    const main = filled(1_010, 20);
    main.init("video/mp4; main", new ArrayBuffer(8));
    const source = recentSource(() => [sub, main]);
    const signal = new AbortController().signal;
    expect((await source.piece(1_001, signal))?.beginsAtS).toBeCloseTo(1_001.1);
    expect((await source.piece(1_012, signal))?.endsAtS).toBeCloseTo(1_029.9);
    expect(await source.piece(1_050, signal)).toBeNull();
  });
});
