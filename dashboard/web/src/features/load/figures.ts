/** How the figures of the alarm load are written and judged. Pure. */

import type { AlarmLoad } from "@/lib/model";

export type Tone = "good" | "plain" | "old" | "bad";

export const SPANS = ["24h", "7d", "30d"] as const;
export type SpanName = (typeof SPANS)[number];

export const SPAN_S: Readonly<Record<SpanName, number>> = { "24h": 86_400, "7d": 7 * 86_400, "30d": 30 * 86_400 };

export const AVERAGE_TONE: Readonly<Record<AlarmLoad["average_class"], Tone>> = { acceptable: "good", manageable: "plain", demanding: "old", unacceptable: "bad" };
export const PEAK_TONE: Readonly<Record<AlarmLoad["peak_class"], Tone>> = { manageable: "good", hard: "old", excessive: "bad" };

/** Two digits that mean something: 0.04, 0.4, 4.2, 42; a whole number as one. */
export function rate(value: number): string {
  if (Number.isInteger(value)) return String(value);
  if (value < 0.01) return "<0.01";
  return value < 0.1 ? value.toFixed(2) : value < 10 ? value.toFixed(1) : String(Math.round(value));
}

/** A share in percent; something is never written as nothing. */
export function percent(share: number): string {
  const value = 100 * share;
  if (value === 0) return "0";
  return value < 0.1 ? "<0.1" : value < 10 ? value.toFixed(1) : String(Math.round(value));
}

/** Heights of the bars, 0 to 1, of a scale that starts at zero and holds the highest of them and the limit. */
export function bars(load: Pick<AlarmLoad, "buckets" | "bucket" | "operators">): { heights: number[]; limit: number; top: number } {
  // EEMUA 191's "very likely acceptable": one alarm in ten minutes for each operator.
  const target = 6 * load.operators * (load.bucket === "day" ? 24 : 1);
  const top = Math.max(target, ...load.buckets.map(({ alarms }) => alarms), 1);
  return { heights: load.buckets.map(({ alarms }) => alarms / top), limit: target / top, top };
}
