/** Which capture time, and which boxes, belong to the media time on the glass. */

import type { OverlayMessage } from "@/lib/model";

import type { CaptureReference } from "./prft";

/** Overlays older than this say where things were, not where they are. */
export const OVERLAY_MAX_AGE_S = 0.7;
/** How far back a trail goes. */
export const TRAIL_S = 6;
/** A reference further away than this belongs to another stretch of the timeline. */
const REFERENCE_REACH_S = 2;
/** Half a frame of a 90 kHz stream's rounding in the browser. */
const TOLERANCE_S = 0.02;

/** Where an object stood, oldest first: the middle of its box's lower edge, normalised to the picture. */
export interface Trail {
  readonly id: number;
  readonly alarm: boolean;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** Newest `capacity` references and overlays, ordered by media time as they arrive. */
export class Timeline {
  private references: CaptureReference[] = [];
  private overlays: OverlayMessage[] = [];

  constructor(private readonly capacity = 512) {}

  addReference(reference: CaptureReference): void {
    this.references.push(reference);
    if (this.references.length > this.capacity) this.references.splice(0, this.references.length - this.capacity);
  }

  addOverlay(overlay: OverlayMessage): void {
    this.overlays.push(overlay);
    if (this.overlays.length > this.capacity) this.overlays.splice(0, this.overlays.length - this.capacity);
  }

  clear(): void {
    this.references = [];
    this.overlays = [];
  }

  /**
   * UTC epoch milliseconds (server's clock) at which the picture of `mediaTime` (s) was taken; null if unknown.
   *
   * Of a picture whose own reference is provisional the first one after it that is not tells: from one to the other the
   * timeline is the camera's, while before the provisional ones it may be another session's.
   */
  captureMs(mediaTime: number): number | null {
    let best: CaptureReference | null = null;
    let settled: CaptureReference | null = null;
    let told: CaptureReference | null = null;
    for (let i = this.references.length - 1; i >= 0; i--) {
      const candidate = this.references[i];
      if (candidate === undefined) break;
      if (candidate.provisional !== true) settled = candidate;
      if (best !== null && Math.abs(candidate.mediaTime - mediaTime) >= Math.abs(best.mediaTime - mediaTime)) continue;
      [best, told] = [candidate, settled];
    }
    if (told === null) return null;
    const distance = mediaTime - told.mediaTime;
    return Math.abs(distance) > REFERENCE_REACH_S ? null : told.captureMs + distance * 1000;
  }

  /** The newest overlay at or before `mediaTime` (s), if it is young enough to be true; the same object until the next. */
  overlay(mediaTime: number): OverlayMessage | null {
    for (let i = this.overlays.length - 1; i >= 0; i--) {
      const overlay = this.overlays[i];
      if (overlay === undefined || overlay.pts_s > mediaTime + TOLERANCE_S) continue;
      return mediaTime - overlay.pts_s <= OVERLAY_MAX_AGE_S ? overlay : null;
    }
    return null;
  }

  /** The ways of the objects of an overlay that {@link overlay} gave, over the last {@link TRAIL_S}. */
  trails(now: OverlayMessage): readonly Trail[] {
    const ways = new Map(now.boxes.map(({ id }) => [id, [] as [number, number][]]));
    for (const { pts_s, boxes } of this.overlays) {
      if (pts_s > now.pts_s || pts_s < now.pts_s - TRAIL_S) continue;
      for (const { id, box } of boxes) ways.get(id)?.push([(box[0] + box[2]) / 2, box[3]]);
    }
    return now.boxes.map(({ id, alarm }) => ({ id, alarm, points: ways.get(id) ?? [] }));
  }
}
