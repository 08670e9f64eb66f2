/** Which stretch of time the history shows. Pure; epoch seconds. */

import type { EventQuery } from "@/lib/api";
import { parseMinute } from "@/lib/time";

export const RANGES = ["1h", "24h", "7d", "30d", "custom"] as const;
export type RangeName = (typeof RANGES)[number];

const LENGTH_S: Readonly<Record<Exclude<RangeName, "custom">, number>> = { "1h": 3_600, "24h": 86_400, "7d": 7 * 86_400, "30d": 30 * 86_400 };
/** Longer stretches are counted by day: a bar stays wide enough to be hit. */
const HOURLY_UP_TO_S = 3 * 86_400;

export interface Filters {
  range: RangeName;
  from: string;
  to: string;
  kind: string;
  severity: string;
  state: string;
  /** "", `region:ID`, `site:ID` or `camera:ID`. */
  where: string;
}

export const UNFILTERED: Readonly<Filters> = { range: "24h", from: "", to: "", kind: "", severity: "", state: "", where: "" };

export type Span = { readonly from: number; readonly to: number } | "badtime" | "badrange";

export function span(filters: Filters, nowS: number, zone: string): Span {
  if (filters.range !== "custom") return { from: nowS - LENGTH_S[filters.range], to: nowS };
  const from = parseMinute(filters.from, zone);
  const to = parseMinute(filters.to, zone);
  if (from === null || to === null) return "badtime";
  return from < to ? { from: from / 1000, to: to / 1000 } : "badrange";
}

export function bucket(stretch: { readonly from: number; readonly to: number }): "hour" | "day" {
  return stretch.to - stretch.from <= HOURLY_UP_TO_S ? "hour" : "day";
}

/** The filters that the server takes; an empty one is left out. */
export function query(filters: Filters, stretch: { readonly from: number; readonly to: number }): EventQuery {
  const [level = "", id = ""] = filters.where === "" ? [] : [filters.where.slice(0, filters.where.indexOf(":")), filters.where.slice(filters.where.indexOf(":") + 1)];
  const chosen = { kind: filters.kind, severity: filters.severity, state: filters.state, [level]: id };
  return { ...stretch, ...Object.fromEntries(Object.entries(chosen).filter(([key, value]) => key !== "" && value !== "")) };
}
