/** A camera's recording as a source of playback, piece by piece from the server. */

import type { Piece, Source } from "./playback";

/** One question to the server brings so much; the first is short, so that a picture stands soon. */
const PIECE_S = 20;
const FIRST_PIECE_S = 6;
/** Room for a key frame that begins just after what was asked for. */
const SEAM_S = 0.05;

export interface Recorded {
  readonly begins_at: number;
  readonly ends_at: number;
}

/** The first moment at or after `fromS` that is recorded; null where nothing is. `spans` in order of time; epoch s. */
export function nextRecorded(spans: readonly Recorded[], fromS: number): number | null {
  const span = spans.find(({ ends_at }) => ends_at > fromS + SEAM_S);
  return span === undefined ? null : Math.max(span.begins_at, fromS);
}

const AVC = 0x61766343; // "avcC"
const HEVC = 0x68766343; // "hvcC"
const HEAD_BYTES = 4_096;

/**
 * The `codecs` parameter (RFC 6381) of an init segment; null where its sample entry is neither AVC nor HEVC.
 * AVC: ISO/IEC 14496-15, 5.3.3.1.2; HEVC: the same, 8.3.3.1.2 and annex E.3.
 */
export function codecOf(init: ArrayBuffer): string | null {
  const view = new DataView(init, 0, Math.min(init.byteLength, HEAD_BYTES));
  const hex = (value: number): string => value.toString(16).padStart(2, "0");
  for (let at = 0; at + 20 < view.byteLength; at++) {
    const kind = view.getUint32(at);
    const record = at + 4;
    if (kind === AVC) return ["avc1", [1, 2, 3].map((i) => hex(view.getUint8(record + i))).join("")].join(".");
    if (kind === HEVC) return hevc(view, record);
  }
  return null;
}

function hevc(view: DataView, record: number): string {
  const profile = view.getUint8(record + 1);
  const compatible = view.getUint32(record + 2);
  let reversed = 0;
  for (let bit = 0; bit < 32; bit++) reversed = ((reversed << 1) | ((compatible >>> bit) & 1)) >>> 0;
  const constraints = Array.from({ length: 6 }, (_, i) => view.getUint8(record + 6 + i));
  while (constraints.length > 0 && constraints[constraints.length - 1] === 0) constraints.pop();
  const space = ["", "A", "B", "C"][profile >> 6] ?? "";
  const tier = profile & 0x20 ? "H" : "L";
  const level = view.getUint8(record + 12);
  return ["hvc1", `${space}${profile & 0x1f}`, reversed.toString(16), `${tier}${level}`, ...constraints.map((byte) => byte.toString(16))].join(".");
}

/** Asks the server for `fromS` to `untilS`; null where nothing is recorded in it. */
export type AskVideo = (fromS: number, untilS: number, signal: AbortSignal) => Promise<{ readonly beginsAtS: number; readonly endsAtS: number; readonly data: ArrayBuffer } | null>;

/** `spans` are asked for at each piece: what is recorded grows while somebody looks. */
export function recordedSource(ask: AskVideo, spans: () => Promise<readonly Recorded[]>): Source {
  let expected: number | null = null;
  return {
    piece: async (fromS, signal): Promise<Piece | null> => {
      const start = nextRecorded(await spans(), fromS);
      if (start === null) return null;
      const long = expected !== null && Math.abs(fromS - expected) < 1;
      const video = await ask(start, start + (long ? PIECE_S : FIRST_PIECE_S), signal);
      if (video === null) return null;
      expected = video.endsAtS;
      const codec = codecOf(video.data);
      const mime = `video/mp4; codecs="${codec ?? ""}"`;
      return { mime, data: [video.data], offsetS: video.beginsAtS, beginsAtS: Math.max(start, video.beginsAtS), endsAtS: video.endsAtS };
    },
  };
}

/** The page's own half minute where it reaches, the recording before it; and the one where the other has nothing. */
export function joined(recent: Source, recentSince: () => number | null, recorded: Source | null): Source {
  return {
    piece: async (fromS, signal) => {
      const since = recentSince();
      if (recorded !== null && (since === null || fromS < since)) {
        const piece = await recorded.piece(fromS, signal);
        if (piece !== null && (since === null || piece.beginsAtS < since)) return piece;
      }
      return recent.piece(fromS, signal);
    },
  };
}
