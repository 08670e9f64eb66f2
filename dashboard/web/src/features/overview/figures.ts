/** What the panels of the overview count and compare. Pure. */

import type { CameraHealth, Overview } from "@/lib/model";

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

/** Cameras that show something that is looked at, of all there are; null with none. */
export function coverage(cameras: readonly CameraHealth[], all: number): number | null {
  const counts = byState(cameras);
  return all === 0 ? null : (counts.good + counts.part) / all;
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

/** Of what was closed; tests are no alarms. */
export function falseShare({ closings }: Pick<Overview, "closings">): number | null {
  const judged = closings.confirmed + closings.false;
  return judged === 0 ? null : closings.false / judged;
}
