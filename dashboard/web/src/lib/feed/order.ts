/** In which order alarms wait, and how the list keeps still under a hand. Pure. */

import { SEVERITIES } from "@/lib/model";

import type { AlarmRow } from "./reduce";

/** New ones first, by severity, then the newest; those that somebody has seen after, the newest first. */
export function inOrder(rows: Iterable<AlarmRow>): AlarmRow[] {
  return [...rows].sort(
    (a, b) =>
      Number(a.state !== "new") - Number(b.state !== "new") ||
      (a.state === "new" ? SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) : 0) ||
      b.occurred_at - a.occurred_at ||
      (a.id < b.id ? 1 : -1),
  );
}

/** What a held list shows: the order it had, with each row's newest content; and how many are waiting to come in. */
export function held(order: readonly string[], rows: ReadonlyMap<string, AlarmRow>): { shown: AlarmRow[]; waiting: number } {
  const shown = order.flatMap((id) => rows.get(id) ?? []);
  const known = new Set(order);
  const waiting = [...rows.values()].filter((row) => !known.has(row.id)).length;
  return { shown, waiting };
}
