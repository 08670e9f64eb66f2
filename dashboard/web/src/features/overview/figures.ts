/** What the panels of the overview count and compare. Pure. */

import type { Translate } from "@/lib/i18n";
import type { CameraHealth, Overview } from "@/lib/model";
import { clock } from "@/lib/time";

export type CameraState = "good" | "part" | "unanalysed" | "stale" | "offline" | "connecting";

export const CAMERA_STATES: readonly CameraState[] = ["good", "part", "unanalysed", "stale", "offline", "connecting"];

/** `part`: it shows, with a fault; `offline`: refused, unreachable or its worker silent. */
export function cameraState(camera: CameraHealth): CameraState {
  if (camera.silent || camera.phase === "offline" || camera.phase === "refused") return "offline";
  if (camera.phase !== "live") return camera.phase;
  return camera.unanalysed ? "unanalysed" : camera.fault ? "part" : "good";
}

export function byState(cameras: readonly CameraHealth[]): Readonly<Record<CameraState, number>> {
  const counts: Record<CameraState, number> = { good: 0, part: 0, unanalysed: 0, stale: 0, offline: 0, connecting: 0 };
  for (const camera of cameras) counts[cameraState(camera)] += 1;
  return counts;
}

/** Cameras that show something that is looked at, of all there are; null with none. A picture that is covered or stands
 * still shows nothing: as `CameraHealth.shows` has it. */
export function coverage(cameras: readonly CameraHealth[], all: number): number | null {
  const showing = cameras.filter((camera) => ["good", "part"].includes(cameraState(camera)) && camera.fault !== "dark" && camera.fault !== "stuck");
  return all === 0 ? null : showing.length / all;
}

/** The region below that was seen least, if that is less than all of it; null where none is. */
export function leastSeen(told: Overview): { region: string; shown: number } | null {
  const known = told.children.flatMap(({ region_id, coverage: of }) => (of === null ? [] : [{ region: region_id, shown: of.shown }]));
  const least = known.sort((a, b) => a.shown - b.shown)[0];
  return least === undefined || least.shown >= 1 || known.length < 2 ? null : least;
}

/** 94.6 %: one decimal, and never 100 where something is missing. */
export function percent(share: number): string {
  const value = 100 * share;
  if (value === 100 || value === 0) return String(value);
  return value > 99.9 ? "99.9" : value < 0.1 ? "0.1" : value.toFixed(1);
}

export function inState(told: Overview, states: readonly string[]): number {
  return told.open.reduce((sum, each) => sum + (states.includes(each.state) ? each.alarms : 0), 0);
}

/** Today's events up to now, and how many of them are usual by the end of the hour that has begun; null: not known. */
export function today(told: Overview): { events: number; usual: number | null } {
  const begun = told.hours.filter(({ events }) => events !== null);
  const events = begun.reduce((sum, hour) => sum + (hour.events ?? 0), 0);
  return { events, usual: told.usual_days === 0 ? null : begun.reduce((sum, hour) => sum + (hour.usual ?? 0), 0) };
}

/** Below it a share is marked as low. */
export const GOOD = 0.95;
/** Rows that a panel has room for. */
const ROWS = 6;
const DAY_S = 86_400;

export interface PatrolRow {
  /** null: the region itself, where nothing is below it. */
  readonly region: string | null;
  /** Visits on time of those due; null before the first is due. */
  readonly share: number | null;
  /** Seconds. */
  readonly slack: number | null;
}

/** How the patrol kept its interval in the regions below, or in this one where none is: the worst first. */
export function patrolRows(told: Overview): readonly PatrolRow[] {
  if (told.patrol === null || told.patrol.stops === 0) return [];
  const below = told.children.filter(({ stops }) => stops > 0).map(({ region_id, patrol }) => ({ region: region_id, compliance: patrol }));
  const rows = below.length > 0 ? below : [{ region: null, compliance: told.patrol.compliance }];
  return rows
    .map(({ region, compliance }) => ({ region, share: compliance === null || compliance.due === 0 ? null : compliance.kept / compliance.due, slack: compliance?.least_slack_s ?? null }))
    .sort((a, b) => (a.share ?? 2) - (b.share ?? 2) || (a.slack ?? Infinity) - (b.slack ?? Infinity))
    .slice(0, ROWS);
}

/** What a figure of the last 24 hours is of: all of them, or since when (epoch s) anything was counted. */
export function counting(since: number | null, at: number, zone: string, t: Translate): string {
  if (since === null) return t("overview.counting.not");
  return at - since > DAY_S - 60 ? t("overview.counting.day") : t("overview.counting.since", { time: clock(since * 1000, zone).slice(0, 5) });
}

/** Of what was closed; tests are no alarms. */
export function falseShare({ closings }: Pick<Overview, "closings">): number | null {
  const judged = closings.confirmed + closings.false;
  return judged === 0 ? null : closings.false / judged;
}
