/** Which steps an alarm offers to whom, and when one in hand makes room for another. Pure. */

import type { AlarmRow } from "@/lib/feed/reduce";
import type { NodeInfo } from "@/lib/model";

export type StepName = "acknowledge" | "own" | "comment" | "start" | "hold" | "shelve" | "unshelve" | "close" | "reopen";

/** The action that each step asks of the policy. */
const RIGHTS: Readonly<Record<StepName, string>> = {
  acknowledge: "alarm.acknowledge",
  own: "alarm.own",
  comment: "alarm.comment",
  start: "alarm.work",
  hold: "alarm.work",
  shelve: "alarm.shelve",
  unshelve: "alarm.shelve",
  close: "alarm.close",
  reopen: "alarm.reopen",
};

/** An alarm that nobody works on any more comes to make room after so long, one that was looked at after longer. */
const PUT_DOWN_MS = 6_000;
const LEFT_MS = 20_000;

/** What the server says is legal in this state, and the account may do. */
export function offered(row: Pick<AlarmRow, "state">, legal: NodeInfo["alarm_steps"] | undefined, may: (action: string) => boolean): ReadonlySet<StepName> {
  const steps = legal?.[row.state] ?? [];
  return new Set((Object.keys(RIGHTS) as StepName[]).filter((step) => steps.includes(step) && may(RIGHTS[step])));
}

/** Nothing is left to do about it now. */
export function putDown(row: Pick<AlarmRow, "state" | "returned_at">): boolean {
  return row.state === "closed" || row.state === "shelved" || row.state === "on_hold" || (row.state === "acknowledged" && (row.returned_at ?? null) !== null);
}

/** Whether a new alarm may take the place of the one in hand, untouched for `idleMs`. One that is new stays. */
export function makesRoom(row: AlarmRow | null, idleMs: number): boolean {
  if (row === null) return true;
  if (row.state === "new") return false;
  return idleMs > (putDown(row) ? PUT_DOWN_MS : LEFT_MS);
}

/** Seconds until a shelf may last: a quarter of an hour, an hour, and to the shift's end where that lies ahead. */
export function shelves(nowS: number, shiftEndsAt: number | null | undefined): { readonly name: "quarter" | "hour" | "shift"; readonly seconds: number }[] {
  const left = (shiftEndsAt ?? 0) - nowS;
  return [
    { name: "quarter", seconds: 900 },
    { name: "hour", seconds: 3_600 },
    ...(left > 60 ? [{ name: "shift" as const, seconds: Math.floor(left) }] : []),
  ];
}
