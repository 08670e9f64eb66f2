/** What a site on the map says of its cameras. Pure. */

import type { CameraHealth } from "@/lib/model";

/** `good`: every camera shows and is analysed; `part`: some do not; `off`: none shows anything; `unknown`: no word yet. */
export type SiteState = "good" | "part" | "off" | "unknown";

export function siteState(cameras: readonly (CameraHealth | undefined)[]): SiteState {
  const known = cameras.filter((camera): camera is CameraHealth => camera !== undefined);
  if (known.length === 0) return "unknown";
  const showing = known.filter((camera) => camera.phase === "live" && !camera.silent);
  if (showing.length === 0) return known.every((camera) => camera.phase === "connecting") ? "unknown" : "off";
  const good = showing.filter((camera) => !camera.fault && !camera.unanalysed);
  return good.length === cameras.length ? "good" : "part";
}
