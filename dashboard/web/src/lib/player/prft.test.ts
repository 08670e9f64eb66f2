import { describe, expect, it } from "vitest";

import { parsePrft } from "./prft";

function box(kind: string, content: Uint8Array): Uint8Array {
  const whole = new Uint8Array(8 + content.length);
  new DataView(whole.buffer).setUint32(0, whole.length);
  whole.set(new TextEncoder().encode(kind), 4);
  whole.set(content, 8);
  return whole;
}

function prft(version: 0 | 1, ntpSeconds: number, fraction: number, media: bigint, flags = 24): Uint8Array {
  const content = new Uint8Array(version === 0 ? 20 : 24);
  const view = new DataView(content.buffer);
  view.setUint32(0, (version << 24) | flags);
  view.setUint32(4, 1);
  view.setUint32(8, ntpSeconds);
  view.setUint32(12, fraction);
  if (version === 0) view.setUint32(16, Number(media));
  else view.setBigUint64(16, media);
  return box("prft", content);
}

function joined(...parts: Uint8Array[]): ArrayBuffer {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole.buffer;
}

// 2026-11-23T00:00:00Z as NTP seconds.
const UNIX_S = Date.UTC(2026, 10, 23) / 1000;
const NTP_S = UNIX_S + 2_208_988_800;

describe("parsePrft", () => {
  it("reads the capture time and a media time of more than 32 bits", () => {
    const media = 90_000n * 86_400n * 3n;
    expect(parsePrft(joined(prft(1, NTP_S, 2 ** 31, media), box("moof", new Uint8Array(4))))).toEqual({ captureMs: UNIX_S * 1000 + 500, mediaTime: 259_200 });
  });

  it("tells a time that is not the capture's: the picture may be older", () => {
    expect(parsePrft(joined(prft(1, NTP_S, 0, 90_000n, 2)))).toEqual({ captureMs: UNIX_S * 1000, mediaTime: 1, provisional: true });
  });

  it("reads the short form", () => {
    expect(parsePrft(joined(prft(0, NTP_S, 0, 45_000n)))?.mediaTime).toBe(0.5);
  });

  it("finds it behind other boxes, and says nothing where there is none before the pictures", () => {
    expect(parsePrft(joined(box("styp", new Uint8Array(8)), prft(1, NTP_S, 0, 90_000n)))?.mediaTime).toBe(1);
    expect(parsePrft(joined(box("moof", new Uint8Array(4)), prft(1, NTP_S, 0, 90_000n)))).toBeNull();
    expect(parsePrft(new ArrayBuffer(0))).toBeNull();
  });

  it.each([
    ["a size that leaves the buffer", new Uint8Array([0, 0, 1, 0, 112, 114, 102, 116])],
    ["a size smaller than the header (which would never end)", new Uint8Array([0, 0, 0, 0, 102, 114, 101, 101])],
    ["a reference cut short", prft(1, NTP_S, 0, 1n).slice(0, 16).map((byte, i) => (i === 3 ? 16 : byte))],
  ])("refuses %s", (_why, bytes) => {
    expect(() => parsePrft(bytes.slice().buffer)).toThrow(RangeError);
  });
});
