/** Which camera needs somebody first. Pure. */

import type { CameraHealth } from "@/lib/model";

/** `unanalysed`: pictures arrive and nothing looks at them. */
export type Condition = CameraHealth["phase"] | "silent" | "unanalysed";

const ORDER: readonly Condition[] = ["silent", "refused", "offline", "stale", "unanalysed", "connecting", "live"];

export function condition(camera: CameraHealth): Condition {
  if (camera.silent) return "silent";
  return camera.phase === "live" && camera.unanalysed ? "unanalysed" : camera.phase;
}

/** When the camera's condition began, epoch s. */
export function sinceOf(camera: CameraHealth): number {
  return condition(camera) === "unanalysed" ? (camera.unanalysed_since ?? camera.since) : camera.since;
}

/** Live with a fault word (a dark picture, a jumping clock) is trouble too, after what shows no picture. */
function rank(camera: CameraHealth): number {
  return ORDER.indexOf(condition(camera)) * 2 + (camera.fault ? 0 : 1);
}

/** Trouble first, the longest first within it; good ones in their own order. */
export function troubleFirst(cameras: readonly CameraHealth[], order: readonly string[]): CameraHealth[] {
  const place = new Map(order.map((id, i) => [id, i]));
  const at = (camera: CameraHealth): number => place.get(camera.camera_id) ?? order.length;
  return [...cameras].sort((a, b) => rank(a) - rank(b) || (isGood(a) ? 0 : sinceOf(a) - sinceOf(b)) || at(a) - at(b));
}

export function isGood(camera: CameraHealth): boolean {
  return condition(camera) === "live" && !camera.fault;
}

/** The word of `advice.*` for a camera in trouble; null for a good one. */
export function advice(camera: CameraHealth): string | null {
  if (camera.silent) return "worker";
  if (condition(camera) === "unanalysed") return camera.unanalysed ?? null;
  if (camera.fault) return camera.fault;
  if (camera.phase === "live") return null;
  return camera.phase === "connecting" ? "connecting" : camera.phase === "refused" ? "refused" : "unknown";
}
