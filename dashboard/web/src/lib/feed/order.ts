/** In which order alarms wait, and how the list keeps still under a hand. Pure. */

import { SEVERITIES, type Severity } from "@/lib/model";

import type { AlarmRow } from "./reduce";

/** How pressing an alarm is: its rule's severity, moved by place and time where desks are set up. */
export function urgency(row: AlarmRow): Severity {
  return row.priority ?? row.severity;
}

/** Nobody has to do anything about it now: closed, out of sight for a while, or seen and over. */
export function settled(row: AlarmRow): boolean {
  return row.state === "closed" || row.state === "shelved" || (row.state === "acknowledged" && (row.returned_at ?? null) !== null);
}

/** Whether it waits for the desks named; an alarm of no desk (yet) waits for everybody. */
export function waitsFor(row: AlarmRow, desks: ReadonlySet<string>): boolean {
  return desks.size === 0 || !row.desk || desks.has(row.desk);
}

/**
 * New ones first, those of one's own desks before others', by urgency, then the newest; after them what is in work, last
 * what is settled, each the newest first.
 */
export function inOrder(rows: Iterable<AlarmRow>, desks: ReadonlySet<string> = new Set()): AlarmRow[] {
  const rank = (row: AlarmRow): number => (row.state === "new" ? (waitsFor(row, desks) ? 0 : 1) : settled(row) ? 3 : 2);
  return [...rows].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      (a.state === "new" ? SEVERITIES.indexOf(urgency(a)) - SEVERITIES.indexOf(urgency(b)) : 0) ||
      b.occurred_at - a.occurred_at ||
      (a.id < b.id ? 1 : -1),
  );
}

/** A row as the list shows it. `group`: it is the first of so many (`size`) that wait, grouped because they came in a flood. */
export interface Listed {
  readonly row: AlarmRow;
  readonly group: string | null;
  readonly size: number;
}

/** Groups folded to their first row, the gravest and newest; those in `unfolded` show all. Rows that somebody has seen stand alone. */
export function folded(rows: readonly AlarmRow[], unfolded: ReadonlySet<string>): Listed[] {
  const markOf = (row: AlarmRow): string | null => (row.state === "new" ? (row.flood ?? null) : null);
  const sizes = new Map<string, number>();
  for (const row of rows) {
    const mark = markOf(row);
    if (mark !== null) sizes.set(mark, (sizes.get(mark) ?? 0) + 1);
  }
  const headed = new Set<string>();
  return rows.flatMap((row): Listed[] => {
    const mark = markOf(row);
    const size = sizes.get(mark ?? "") ?? 0;
    if (mark === null || size < 2) return [{ row, group: null, size: 1 }];
    if (headed.has(mark)) return unfolded.has(mark) ? [{ row, group: null, size: 1 }] : [];
    headed.add(mark);
    return [{ row, group: mark, size }];
  });
}

/** What a held list shows: the order it had, with each row's newest content; and how many are waiting to come in. */
export function held(order: readonly string[], rows: ReadonlyMap<string, AlarmRow>): { shown: AlarmRow[]; waiting: number } {
  const shown = order.flatMap((id) => rows.get(id) ?? []);
  const known = new Set(order);
  const waiting = [...rows.values()].filter((row) => !known.has(row.id)).length;
  return { shown, waiting };
}
