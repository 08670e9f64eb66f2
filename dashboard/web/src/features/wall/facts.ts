/** What becomes of a camera's pictures, in a few short lines over its tile. Pure. */

import type { Words } from "@/lib/i18n";
import type { CameraHealth } from "@/lib/model";

/** Of the stream on show; null until its parameters are known. */
export interface Picture {
  /** RFC 6381, as `avc1.4d401e`. */
  readonly codec: string;
  readonly width: number;
  readonly height: number;
}

const CAUSES = 2;
const CODECS: readonly (readonly [RegExp, string])[] = [[/^avc/, "H.264"], [/^h(vc|ev)/, "H.265"]];

/** Rates, gate or overload level, what took most of the pictures since the worker's start, and the stream. */
export function facts(camera: CameraHealth | undefined, picture: Picture | null, { t, word }: Words): string[] {
  const stream = picture === null ? [] : [`${CODECS.find(([name]) => name.test(picture.codec))?.[1] ?? picture.codec} ${picture.width}×${picture.height}`];
  if (camera === undefined || camera.silent) return [t("facts.none"), ...stream];
  const rates = t("facts.rates", { received: camera.fps_received.toFixed(1), analysed: camera.fps_analysed.toFixed(1) });
  const reduced = camera.level && camera.level !== "full";
  const gate = reduced ? word("health.level", camera.level, "health.level.full") : word("health.gate", camera.gate, "health.gate.off");
  const lost = Object.entries(camera.dropped ?? {}).filter(([, n]) => n > 0).sort(([, a], [, b]) => b - a).slice(0, CAUSES);
  const causes = lost.map(([cause, n]) => `${word("health.drop", cause, "health.drop.other")} ${percent(n, camera.received)}`);
  return [`${rates} · ${gate}`, ...(causes.length > 0 ? [t("facts.dropped", { causes: causes.join(" · ") })] : []), ...stream];
}

function percent(part: number, whole: number): string {
  const share = (100 * part) / Math.max(1, whole);
  return share > 0 && share < 1 ? "<1%" : `${Math.round(share)}%`;
}

/** What must be said over a picture that goes on: that nobody looks at it, or only now and then. Null: all is well. */
export function unwatched(camera: CameraHealth | undefined, { t, word }: Words): string | null {
  if (camera === undefined || camera.silent) return null;
  if (camera.unanalysed) return `${t("tile.unanalysed")} · ${word("unanalysed", camera.unanalysed, "unanalysed.late")}`;
  return camera.level === "keyframes" || camera.level === "floor" ? word("health.level", camera.level, "health.level.full") : null;
}
