import { describe, expect, it } from "vitest";

import { pieces } from "./pieces";

function box(kind: string, length = 4): number[] {
  return [0, 0, 0, 8 + length, ...new TextEncoder().encode(kind), ...Array.from({ length }, (_, i) => i)];
}
const message = (...boxes: number[][]): ArrayBuffer => new Uint8Array(boxes.flat()).buffer;
const fragment = (length: number): number[][] => [box("prft"), box("moof", 9), box("mdat", length)];
const read = (buffer: ArrayBuffer): number[][] => pieces(buffer).map((piece) => [...new Uint8Array(piece)]);

describe("pieces", () => {
  it("parts fragments that came together, and leaves what came alone as it is", () => {
    expect(read(message(...fragment(3), ...fragment(0), ...fragment(7)))).toEqual([fragment(3).flat(), fragment(0).flat(), fragment(7).flat()]);
    const alone = message(...fragment(5));
    expect(pieces(alone)).toEqual([alone]);
    expect(pieces(alone)[0]).toBe(alone);
  });

  it("leaves an init segment whole", () => {
    const segment = message(box("ftyp"), box("moov", 30));
    expect(pieces(segment)[0]).toBe(segment);
  });

  it("throws on what is no row of boxes", () => {
    expect(() => pieces(message(...fragment(3)).slice(0, -1))).toThrow(RangeError);
    expect(() => pieces(new Uint8Array(16).buffer)).toThrow(RangeError);
    expect(() => pieces(new Uint8Array(3).buffer)).toThrow(RangeError);
  });
});
