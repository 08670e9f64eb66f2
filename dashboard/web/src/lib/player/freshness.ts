/**
 * What a tile may claim about its picture. Pure: `now` and all instants are milliseconds of one monotonic clock.
 *
 * The rule of the house: a picture that ceased to advance is marked within 2 s, with the cause and what is being done.
 */

import type { StateMessage } from "@/lib/model";

export type TileState = "connecting" | "live" | "stale" | "offline" | "refused";
/** Who keeps the picture from being new; `late`: pictures move, and are old when they come. */
export type Cause = "camera" | "worker" | "network" | "browser" | "late";

/** With the ticks of the page (250 ms) the mark stands at most 1.75 s after the last new picture. */
export const STALE_AFTER_MS = 1_500;
export const TICK_MS = 250;
/** Pictures that move and are older than this are no live ones. */
export const LATE_AFTER_MS = 3_000;
/** The server says something at least every second: after this long an open socket is a lost connection. */
export const SILENT_AFTER_MS = 1_500;
/** A worker tells within 2 s that a camera stopped; one that does not has stopped itself. */
const WORKER_TELLS_MS = 2_400;
/** So long after the page stood still, what it did not see is not the others' fault. */
const HUNG_BLAME_MS = 1_500;

export interface Signals {
  /** The picture on the glass advanced last; null before the first. */
  readonly glassAt: number | null;
  /** A fragment arrived last. */
  readonly fragmentAt: number | null;
  /** Anything arrived last, the server's beat included; null before. */
  readonly heardAt: number | null;
  /** The page went on last after its main thread had stood still; null if it never did. */
  readonly hungAt: number | null;
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
  /** When the last new picture stood on the glass (or the attempt began); of a late picture, when it was taken. */
  readonly sinceMs: number;
  readonly attempt: number;
}

/** `ageMs`: capture to now of the picture on the glass, by the server's clock; null if nobody knows, and then it is not live. */
export function judge(signals: Signals, now: number, ageMs: number | null = 0): Freshness {
  const { camera, glassAt } = signals;
  const fault = camera?.fault ?? null;
  const sinceMs = glassAt ?? signals.startedAt;
  const attempt = signals.socket === "open" ? (camera?.attempt ?? 0) : signals.socketAttempt;
  const say = (state: TileState, cause: Cause | null): Freshness => ({ state, cause, fault, sinceMs, attempt });

  if (signals.socket === "open" && camera !== null && camera.worker !== false) {
    if (camera.phase === "refused") return say("refused", "camera");
    if (camera.phase === "offline") return say("offline", "camera");
    // A camera that is stuck sends new pictures which are all the same old one.
    if ((camera.phase === "stale" || fault === "stuck") && glassAt !== null) return say("stale", "camera");
  }
  if (glassAt === null) return say("connecting", signals.browserFault === null ? blame(signals, now) : "browser");
  if (signals.browserFault === HIDDEN) return say("stale", "browser");
  if (now - glassAt > STALE_AFTER_MS) return say("stale", blame(signals, now));
  if (ageMs === null) return say("stale", "late");
  return ageMs > LATE_AFTER_MS ? { ...say("stale", "late"), sinceMs: now - ageMs } : say("live", null);
}

/** The page is in the background, where it plays nothing: a word of `browser.*`. */
export const HIDDEN = "hidden";
const UNDECODABLE = new Set(["garbled", "lossy"]);

function blame(signals: Signals, now: number): Cause {
  const since = (at: number | null): number => (at === null ? Infinity : now - at);
  const { camera, browserFault } = signals;
  // What the worker cannot decode either is not this browser's fault.
  if (browserFault === "decoder" && camera !== null && UNDECODABLE.has(camera.fault ?? "")) return "camera";
  if (browserFault !== null || since(signals.hungAt) <= HUNG_BLAME_MS) return "browser";
  if (signals.socket !== "open" || since(signals.heardAt ?? signals.startedAt) > SILENT_AFTER_MS) return "network";
  if (camera?.worker === false) return "worker";
  if (signals.glassAt === null) return "camera";
  if (since(signals.fragmentAt) <= STALE_AFTER_MS) return "browser";
  return camera?.phase === "live" && since(signals.fragmentAt) > WORKER_TELLS_MS ? "worker" : "camera";
}
