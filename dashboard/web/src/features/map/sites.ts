/** What a site on the map says of its cameras. Pure. */

import type { CameraHealth } from "@/lib/model";

/** `good`: every camera shows and is analysed; `off`: none can be reached; `part`: anything between; `unknown`: no word yet. */
export type SiteState = "good" | "part" | "off" | "unknown";

export function siteState(cameras: readonly (CameraHealth | undefined)[]): SiteState {
  const known = cameras.filter((camera): camera is CameraHealth => camera !== undefined);
  if (known.length === 0) return "unknown";
  if (known.every((camera) => camera.phase === "connecting" && !camera.silent)) return "unknown";
  if (known.every((camera) => camera.silent || camera.phase === "offline" || camera.phase === "refused")) return "off";
  const good = known.filter((camera) => camera.phase === "live" && !camera.silent && !camera.fault && !camera.unanalysed);
  return good.length === cameras.length ? "good" : "part";
}
