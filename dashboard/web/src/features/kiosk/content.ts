/** What a wall screen shows and who drives it, in words. Pure. */

import type { Words } from "@/lib/i18n";
import type { EventRow, ScreenContent, ScreenStatus } from "@/lib/model";

/** `row`: of an alarm, where it is known; `place`: site and camera of a camera id. */
export interface Known {
  readonly words: Words;
  readonly place: (cameraId: string, siteId?: string) => string;
  readonly row: (eventId: string) => EventRow | null;
}

export function title(content: ScreenContent | null, { words: { t, word }, place, row }: Known): string {
  if (content === null) return t("screen.nothing");
  if (content.kind === "overview") return t("screen.overview");
  if (content.kind === "alarm") {
    const alarm = row(content.event_id);
    return alarm === null ? t("screen.alarm") : `${word("kind", alarm.kind, "history.event")} · ${place(alarm.camera_id, alarm.site_id)}`;
  }
  const [camera, ...others] = content.tiles.filter((id) => id !== null);
  return content.name ?? (camera !== undefined && others.length === 0 ? place(camera) : t("screen.layout", { layout: content.layout }));
}

/** The desk that pushed; who belongs to none is told by name. Null: nobody drives. */
export function driver({ driver: who }: ScreenStatus["state"], { words }: Pick<Known, "words">): string | null {
  if (!who) return null;
  return who.desk_name ? words.name({ name: who.desk_name, name_en: who.desk_name_en ?? null }, who.name) : who.name;
}
