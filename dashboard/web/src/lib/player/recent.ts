/** The last half minute of a tile's stream as it came, for instant replay: it needs no recording and no server. */

import type { Piece, Source } from "./playback";
import type { CaptureReference } from "./prft";

/** Kept so long: 30 s to see again, and the group of pictures that the first of them needs. */
export const KEEP_MS = 36_000;
/** One stream's share of this browser's memory, bytes. */
const LIMIT_BYTES = 24 * 1024 * 1024;

/** Where `trun` begins in a fragment of one picture, and the flags of its sample (ISO/IEC 14496-12, 8.8.3.1, 8.8.8). */
const RUN_AT = 100;
const RUN = 0x7472756e;
const FLAGS_AT = 128;
const NOT_SYNC = 0x00010000;

/** Whether decoding can begin with this fragment, as the server lays it out. */
export function isKey(fragment: ArrayBuffer): boolean {
  const view = new DataView(fragment);
  return view.byteLength >= FLAGS_AT + 4 && view.getUint32(RUN_AT + 4) === RUN && (view.getUint32(FLAGS_AT) & NOT_SYNC) === 0;
}

interface Part {
  readonly data: ArrayBuffer;
  readonly key: boolean;
  /** UTC epoch ms on the server's clock. */
  readonly captureMs: number;
}

/** Fragments of one timeline under one set of parameters. */
interface Stretch {
  readonly mime: string;
  readonly init: ArrayBuffer;
  /** UTC epoch seconds of media time 0; known from the first fragment that tells its capture time. */
  offsetS: number | null;
  readonly parts: Part[];
}

export class Recent {
  private stretches: Stretch[] = [];
  private bytes = 0;

  init(mime: string, data: ArrayBuffer): void {
    this.stretches.push({ mime, init: data, offsetS: null, parts: [] });
    this.bytes += data.byteLength;
  }

  add(data: ArrayBuffer, reference: CaptureReference | null): void {
    const stretch = this.stretches[this.stretches.length - 1];
    if (stretch === undefined || reference === null) return; // without its time it has no place in a replay
    stretch.offsetS ??= reference.captureMs / 1000 - reference.mediaTime;
    stretch.parts.push({ data, key: isKey(data), captureMs: reference.captureMs });
    this.bytes += data.byteLength;
    this.trim(reference.captureMs - KEEP_MS);
  }

  /** UTC epoch ms of the oldest and the newest picture; null while there is none. */
  extent(): readonly [number, number] | null {
    const parts = this.stretches.flatMap((stretch) => [stretch.parts[0], stretch.parts[stretch.parts.length - 1]]).filter((part) => part !== undefined);
    const first = parts[0];
    const last = parts[parts.length - 1];
    return first === undefined || last === undefined ? null : [first.captureMs, last.captureMs];
  }

  /** What is kept from `fromS` (UTC epoch s) on, of the first stretch that reaches beyond it; null: nothing yet. */
  piece(fromS: number): Piece | null {
    for (const { mime, init, offsetS, parts } of this.stretches) {
      const wanted = parts.findIndex((part) => part.captureMs > fromS * 1000);
      if (offsetS === null || wanted < 0) continue;
      const before = parts.findLastIndex((part, i) => i <= wanted && part.key);
      const start = before >= 0 ? before : parts.findIndex((part) => part.key);
      const first = parts[Math.max(start, wanted)];
      const last = parts[parts.length - 1];
      if (start < 0 || first === undefined || last === undefined) continue;
      return { mime, data: [init, ...parts.slice(start).map((part) => part.data)], offsetS, beginsAtS: first.captureMs / 1000, endsAtS: last.captureMs / 1000 };
    }
    return null;
  }

  private trim(beforeMs: number): void {
    for (let oldest = this.stretches[0]; oldest !== undefined; oldest = this.stretches[0]) {
      let part = oldest.parts[0];
      while (part !== undefined && (part.captureMs < beforeMs || this.bytes > LIMIT_BYTES)) {
        oldest.parts.shift();
        this.bytes -= part.data.byteLength;
        part = oldest.parts[0];
      }
      if (oldest.parts.length > 0 || this.stretches.length === 1) return;
      this.stretches.shift();
      this.bytes -= oldest.init.byteLength;
    }
  }
}

/** What several views of one camera kept, the older view first: its sub stream before it was enlarged, main since. */
export function recentSource(views: () => readonly Recent[]): Source {
  return {
    piece: (fromS) => {
      const pieces = views().map((view) => view.piece(fromS)).filter((piece) => piece !== null);
      // The one that continues soonest; where both do, the newer view has the better picture.
      const soonest = Math.min(...pieces.map((piece) => piece.beginsAtS));
      return Promise.resolve(pieces.reverse().find((piece) => piece.beginsAtS < soonest + 0.2) ?? null);
    },
  };
}
