/** What a desk can push to a screen just now, as options of one list. Pure. */

import type { Words } from "@/lib/i18n";
import type { EventRow, Scene, ScreenContent } from "@/lib/model";
import type { Arrangement } from "@/lib/wall/arrangement";

export interface Choice {
  readonly value: string;
  readonly text: string;
  readonly content: ScreenContent;
}

export interface Offer {
  readonly layout: Arrangement["layout"];
  readonly shown: readonly (string | null)[];
  readonly alarm: EventRow | null;
  readonly scenes: readonly Scene[];
  readonly cameras: readonly { readonly id: string; readonly number: number }[];
}

/** The present layout first, then the alarm in hand, the overview, scenes by name, each camera for itself. */
export function choices({ layout, shown, alarm, scenes, cameras }: Offer, { t, word }: Words, place: (cameraId: string, siteId?: string) => string): Choice[] {
  const found: Choice[] = [];
  const scene = (name: string | null, of: string, tiles: readonly (string | null)[]): ScreenContent => ({ kind: "scene", layout: of as Arrangement["layout"], tiles: [...tiles], name });
  if (shown.some((camera) => camera !== null)) found.push({ value: "layout", text: t("screen.choice.layout", { layout }), content: scene(null, layout, shown) });
  if (alarm !== null) found.push({ value: "alarm", text: t("screen.choice.alarm", { kind: word("kind", alarm.kind, "history.event"), place: place(alarm.camera_id, alarm.site_id) }), content: { kind: "alarm", event_id: alarm.id } });
  found.push({ value: "overview", text: t("screen.overview"), content: { kind: "overview" } });
  for (const each of scenes) {
    if (each.tiles.some((camera) => camera !== null)) found.push({ value: `scene:${each.id}`, text: t("screen.choice.scene", { name: each.name, layout: each.layout }), content: scene(each.name, each.layout, each.tiles) });
  }
  for (const camera of cameras) found.push({ value: `camera:${camera.id}`, text: t("screen.choice.camera", { number: camera.number, place: place(camera.id) }), content: scene(null, "1", [camera.id]) });
  return found;
}
