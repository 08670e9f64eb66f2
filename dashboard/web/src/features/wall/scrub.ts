/** The scrubbed timeline: which time stands where, what is recorded in it, and its marks. Pure; UTC epoch seconds. */

import type { EventRow } from "@/lib/model";

export interface Window {
  readonly from: number;
  readonly to: number;
}

export const DAY_S = 86_400;
export const HOUR_S = 3_600;
export type Scale = "24h" | "1h";

/** Of the day: the last 24 hours. Of the hour: the hour around `at`, never beyond now. Both end at a whole minute. */
export function windowOf(scale: Scale, at: number, now: number): Window {
  const end = Math.ceil(now / 60) * 60;
  if (scale === "24h") return { from: end - DAY_S, to: end };
  // In steps of a quarter of an hour, so that the bar does not creep under the hand while it plays.
  const to = Math.min(end, Math.ceil((at + HOUR_S / 4) / (HOUR_S / 4)) * (HOUR_S / 4) + HOUR_S / 4);
  return { from: to - HOUR_S, to };
}

/** 0 to 1 along the bar; what lies outside stands at its end. */
export function place({ from, to }: Window, at: number): number {
  return Math.min(1, Math.max(0, (at - from) / (to - from)));
}

export function timeAt({ from, to }: Window, share: number): number {
  return from + Math.min(1, Math.max(0, share)) * (to - from);
}

export interface Bar {
  readonly left: number;
  readonly width: number;
}

/** Stretches that can be seen in the window, those that touch on the screen made one. `least`: share of a pixel or two. */
export function bars(window: Window, spans: readonly { readonly begins_at: number; readonly ends_at: number }[], least: number): Bar[] {
  const drawn: { left: number; right: number }[] = [];
  for (const { begins_at, ends_at } of spans) {
    if (ends_at <= window.from || begins_at >= window.to) continue;
    const left = place(window, begins_at);
    const right = Math.max(place(window, ends_at), left + least);
    const before = drawn[drawn.length - 1];
    if (before !== undefined && left - before.right < least / 2) before.right = Math.max(before.right, right);
    else drawn.push({ left, right });
  }
  return drawn.map(({ left, right }) => ({ left, width: Math.min(1, right) - left }));
}

/** So much of the bar is left free at its ends: a label that stands there would be cut off. */
const MARGIN = 0.02;

/** Times that are written below the bar: whole hours of the zone's clock by four, or tens of minutes. */
export function ticks({ from, to }: Window, scale: Scale, offsetS: number): number[] {
  const step = scale === "24h" ? 4 * HOUR_S : 600;
  const first = Math.ceil((from + offsetS) / step) * step - offsetS;
  const margin = (to - from) * MARGIN;
  return Array.from({ length: Math.max(0, Math.ceil((to - first) / step)) }, (_, i) => first + i * step).filter((at) => at > from + margin && at < to - margin);
}

/** The alarm before or after `at`, by a second at least, so that going back from an alarm reaches the one before it. */
export function alarmBeside(rows: readonly EventRow[], at: number, direction: 1 | -1): EventRow | null {
  const beyond = rows.filter((row) => (row.occurred_at - at) * direction > 1);
  return beyond.sort((a, b) => Math.abs(a.occurred_at - at) - Math.abs(b.occurred_at - at))[0] ?? null;
}
