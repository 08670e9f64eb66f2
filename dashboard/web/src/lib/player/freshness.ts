/**
 * What a tile may claim about its picture. Pure: `now` and all instants are milliseconds of one monotonic clock.
 *
 * The rule of the house: a picture that ceased to advance is marked within 2 s, with the cause and what is being done.
 */

import type { StateMessage } from "@/lib/model";

export type TileState = "connecting" | "live" | "stale" | "offline" | "refused";
/** Who keeps the picture from being new. */
export type Cause = "camera" | "worker" | "network" | "browser";

/** With the ticks of the page (250 ms) the mark stands at most 1.75 s after the last new picture. */
export const STALE_AFTER_MS = 1_500;
export const TICK_MS = 250;

export interface Signals {
  /** The picture on the glass advanced last; null before the first. */
  readonly glassAt: number | null;
  /** A fragment arrived last. */
  readonly fragmentAt: number | null;
  readonly socket: "connecting" | "open" | "closed";
  /** Attempts to reach the server since it was lost. */
  readonly socketAttempt: number;
  /** Why this browser cannot show the stream: a word of `browser.*`. */
  readonly browserFault: string | null;
  readonly camera: StateMessage | null;
  readonly startedAt: number;
}

export interface Freshness {
  readonly state: TileState;
  readonly cause: Cause | null;
  /** A word of `fault.*`, or null. */
  readonly fault: string | null;
  /** When the last new picture stood on the glass (or the attempt began). */
  readonly sinceMs: number;
  readonly attempt: number;
}

export function judge(signals: Signals, now: number): Freshness {
  const { camera, glassAt } = signals;
  const fault = camera?.fault ?? null;
  const sinceMs = glassAt ?? signals.startedAt;
  const attempt = signals.socket === "open" ? (camera?.attempt ?? 0) : signals.socketAttempt;
  const say = (state: TileState, cause: Cause | null): Freshness => ({ state, cause, fault, sinceMs, attempt });

  if (signals.socket === "open" && camera !== null && camera.worker !== false) {
    if (camera.phase === "refused") return say("refused", "camera");
    if (camera.phase === "offline") return say("offline", "camera");
    if (camera.phase === "stale" && glassAt !== null) return say("stale", "camera");
  }
  if (glassAt === null) return say("connecting", signals.browserFault === null ? blame(signals, now) : "browser");
  if (now - glassAt <= STALE_AFTER_MS) return say("live", null);
  return say("stale", blame(signals, now));
}

function blame(signals: Signals, now: number): Cause {
  if (signals.browserFault !== null) return "browser";
  if (signals.socket !== "open") return "network";
  if (signals.camera?.worker === false) return "worker";
  const arriving = signals.fragmentAt !== null && now - signals.fragmentAt <= STALE_AFTER_MS;
  return arriving && signals.glassAt !== null ? "browser" : "camera";
}
