/** Why an event happened, in one sentence with its numbers. */

import type { Words } from "./i18n";
import type { EventRow } from "./model";

/** 6.2 s, 22 objects: one decimal where it says something. */
export function number(value: number): string {
  return Number.isInteger(value) || value >= 100 ? String(Math.round(value)) : value.toFixed(1);
}

/** 0.45 a square metre. */
function share(value: number): string {
  return String(Number(value.toFixed(2)));
}

/** A measure with its unit: 6.2 s, 22 people, 0.45 a square metre. */
export function measure(row: Pick<EventRow, "unit" | "objects">, value: number, words: Words): string {
  if (row.unit === "s") return words.t("unit.seconds", { n: number(value) });
  if (row.unit === "per_m2") return words.t("unit.density", { n: share(value) });
  return counted(row, value, words);
}

/** "22 人" if all that was seen are people, else "22 个". */
export function counted(row: Pick<EventRow, "objects">, n: number, { t }: Pick<Words, "t">): string {
  const people = row.objects.length > 0 && row.objects.every(({ label }) => label === "person");
  const values = { n: number(n) };
  if (n === 1) return t(people ? "unit.person.one" : "unit.object.one", values);
  return t(people ? "unit.person" : "unit.object", values);
}

export function reason(row: EventRow, words: Words): string {
  const { t, word } = words;
  const place = row.place_name ?? t("place.whole");
  const limit = number(row.limit);
  switch (row.kind) {
    case "crowding": {
      const times = { seconds: number(row.lasted_s ?? 0), most: number(row.lasted_limit_s ?? 0) };
      if (row.unit === "per_m2") return t(row.lasted_limit_s ? "reason.density.lasting" : "reason.density", { measured: share(row.measured), place, limit: share(row.limit), ...times });
      return t(row.lasted_limit_s ? "reason.crowding.lasting" : "reason.crowding", { measured: counted(row, row.measured, words), place, limit, ...times });
    }
    case "loitering":
    case "wrong_way":
    case "stopped_vehicle":
      return t(`reason.${row.kind}`, { measured: counted(row, Math.max(1, row.objects.length), words), place, seconds: number(row.measured), limit });
    case "unattended":
      return t("reason.unattended", { place, seconds: number(row.measured), limit });
    case "camera_fault":
      return t("reason.camera_fault", { fault: word("fault", row.fault, "fault.unknown"), measured: number(row.measured), limit });
    case "intrusion": {
      const measured = counted(row, Math.max(1, row.unit === "objects" ? row.measured : row.objects.length), words);
      if (row.unit !== "s" || row.limit === 0) return t("reason.intrusion", { measured, place });
      return t("reason.intrusion.dwell", { measured, place, seconds: number(row.measured), limit });
    }
    case "line_crossing": {
      const measured = counted(row, Math.max(1, row.measured), words);
      if (row.direction === "forward") return t("reason.line.forward", { measured, place });
      return t(row.direction === "backward" ? "reason.line.backward" : "reason.line", { measured, place });
    }
    case "camera_offline":
      return t("reason.offline", { fault: word("fault", row.fault, "fault.unknown"), measured: number(row.measured), limit });
  }
}

/** The few words that fit on a tile: the measured value against its limit. */
export function chip(row: EventRow, words: Words): string {
  const { t } = words;
  if (row.unit === "per_m2") return t("chip.density", { measured: share(row.measured), limit: share(row.limit) });
  if (row.kind === "crowding") return t("chip.crowding", { measured: counted(row, row.measured, words), limit: number(row.limit) });
  if (row.kind === "camera_offline") return t("chip.offline", { measured: number(row.measured) });
  if (row.unit === "s" && row.limit > 0) return t("chip.seconds", { measured: number(row.measured), limit: number(row.limit) });
  return t("chip.moment", { measured: counted(row, row.unit === "s" ? Math.max(1, row.objects.length) : Math.max(1, row.measured), words) });
}
