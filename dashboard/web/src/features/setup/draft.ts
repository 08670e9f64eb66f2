/** A camera as it is being edited. Places are normalised to the picture, x right and y down. */

import type { CameraDraft, CameraSetup, Line, Rule, Zone } from "@/lib/model";

export type Point = [number, number];

/** What the rules of the editor are about, and the one number that each is set by. */
export const RULE_KINDS = ["intrusion", "loitering", "crowding", "line_crossing", "unattended", "wrong_way", "stopped_vehicle"] as const;
export type DrawnRule = Extract<Rule, { kind: (typeof RULE_KINDS)[number] }>;
export type RuleKind = DrawnRule["kind"];

export const NUMBERS: Readonly<Record<RuleKind, { readonly field: string; readonly first: number; readonly least: number; readonly step: number } | null>> = {
  intrusion: { field: "dwell_s", first: 1, least: 0, step: 1 },
  loitering: { field: "dwell_s", first: 60, least: 1, step: 5 },
  crowding: { field: "limit", first: 10, least: 1, step: 1 },
  line_crossing: null,
  unattended: { field: "duration_s", first: 60, least: 0, step: 5 },
  wrong_way: { field: "duration_s", first: 1, least: 0, step: 1 },
  stopped_vehicle: { field: "duration_s", first: 60, least: 1, step: 5 },
};

export const WHO = { person: ["person"], vehicle: ["car", "truck", "bus", "motorcycle"], both: ["person", "bicycle", "motorcycle", "car", "truck", "bus"] } as const;
export type Who = keyof typeof WHO | "other";

/** As the settings' own defaults. */
const USUAL: CameraDraft["detection"] = { enabled: true, stream: "auto", fps: 5, min_fps: 1, priority: "normal", gated: false, look_every_s: 30 };

export function blank(id: string, site: string, name: string): CameraDraft {
  return { id, site, name, name_en: null, main: { url: "rtsp://", transport: "tcp" }, sub: null, username: null, password: null, detection: USUAL, recording: null, zones: [], lines: [], rules: [] };
}

export function draftOf(camera: CameraSetup): CameraDraft {
  const { id, site, name, name_en, main, sub, username, detection, recording, zones, lines, rules } = structuredClone(camera);
  return { id, site, name, name_en, main, sub, username, password: null, detection, recording, zones, lines, rules };
}

/** `zone-1`, or the first such id that is free. */
export function freeId(stem: string, taken: readonly { readonly id: string }[]): string {
  const known = new Set(taken.map(({ id }) => id));
  for (let n = 1; ; n += 1) if (!known.has(`${stem}-${n}`)) return `${stem}-${n}`;
}

export function clamp(value: number): number {
  return Math.round(Math.min(1, Math.max(0, value)) * 10_000) / 10_000;
}

/** All points moved by the same step, as far as the picture reaches: the shape stays as it is. */
export function shifted(points: readonly Point[], dx: number, dy: number): Point[] {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const x = Math.min(Math.max(dx, -Math.min(...xs)), 1 - Math.max(...xs));
  const y = Math.min(Math.max(dy, -Math.min(...ys)), 1 - Math.max(...ys));
  return points.map(([px, py]) => [clamp(px + x), clamp(py + y)]);
}

export function newZone(taken: readonly Zone[], name: string, polygon: readonly Point[]): Zone {
  return { id: freeId("zone", taken), name, polygon: polygon.map(([x, y]) => [x, y]), area_m2: null, way: null };
}

/** An arrow across the zone, to be turned by its ends: traffic goes up the picture until somebody says otherwise. */
export function usualWay(polygon: readonly Point[]): [Point, Point] {
  const xs = polygon.map(([x]) => x);
  const ys = polygon.map(([, y]) => y);
  const [low, high] = [Math.min(...ys), Math.max(...ys)];
  const middle = clamp((Math.min(...xs) + Math.max(...xs)) / 2);
  const reach = Math.max((high - low) / 4, LEAST_WAY);
  const centre = Math.min(1 - reach, Math.max(reach, (low + high) / 2));
  return [[middle, clamp(centre + reach)], [middle, clamp(centre - reach)]];
}

/** An arrow shorter than this share of the picture has no direction: `LEAST_WAY` of the settings is half of it. */
export const LEAST_WAY = 0.02;

export function withZone(draft: CameraDraft, id: string, change: Partial<Zone>): CameraDraft {
  return { ...draft, zones: (draft.zones ?? []).map((zone) => (zone.id === id ? { ...zone, ...change } : zone)) };
}

/** The draft with an arrow in each zone whose rule goes by one. */
export function withWays(draft: CameraDraft): CameraDraft {
  const needed = new Set((draft.rules ?? []).filter((rule) => rule.kind === "wrong_way").map(({ zone }) => zone));
  const lacking = (draft.zones ?? []).filter((zone) => needed.has(zone.id) && !zone.way);
  return lacking.reduce((made, zone) => withZone(made, zone.id, { way: usualWay(zone.polygon as Point[]) }), draft);
}

/** Whether some rule goes by the zone's direction. */
export function goesBy(draft: CameraDraft, zoneId: string): boolean {
  return (draft.rules ?? []).some((rule) => rule.kind === "wrong_way" && rule.zone === zoneId);
}

/** By what a crowd is limited; a rule with both is told by its count. */
export function measureOf(rule: DrawnRule): "limit" | "density" | null {
  return rule.kind !== "crowding" ? null : typeof rule.limit === "number" ? "limit" : "density";
}

export const DENSITY = { first: 2, least: 0.1, most: 20 } as const;

export function newLine(taken: readonly Line[], name: string, a: Point, b: Point): Line {
  return { id: freeId("line", taken), name, a, b };
}

export function newRule(taken: readonly Rule[], kind: RuleKind, name: string, place: string): Rule {
  const number = NUMBERS[kind];
  const vehicles = kind === "wrong_way" || kind === "stopped_vehicle";
  return {
    id: freeId("rule", taken),
    kind,
    name,
    severity: "medium",
    classes: [...(vehicles ? WHO.vehicle : WHO.person)],
    ...(kind === "line_crossing" ? { line: place } : { zone: place }),
    ...(number === null ? {} : { [number.field]: number.first }),
  } as Rule;
}

export function drawn(rule: Rule): rule is DrawnRule {
  return (RULE_KINDS as readonly string[]).includes(rule.kind);
}

export function placeOf(rule: DrawnRule): string {
  return rule.kind === "line_crossing" ? rule.line : rule.zone;
}

export function whoOf(classes: readonly string[] | undefined): Who {
  const now = [...(classes ?? WHO.person)].sort().join();
  const found = Object.entries(WHO).find(([, names]) => [...names].sort().join() === now);
  return (found?.[0] as Who | undefined) ?? "other";
}

/** The draft without the place; rules that watched it go with it. */
export function withoutPlace(draft: CameraDraft, id: string): CameraDraft {
  return {
    ...draft,
    zones: (draft.zones ?? []).filter((zone) => zone.id !== id),
    lines: (draft.lines ?? []).filter((line) => line.id !== id),
    rules: (draft.rules ?? []).filter((rule) => !drawn(rule) || placeOf(rule) !== id),
  };
}

export type Fault = "name" | "id" | "url" | "suburl" | "area";

/** What must be mended before it can be saved, by the key of its sentence. */
export function faults(draft: CameraDraft): Fault[] {
  const url = /^rtsp:\/\/[^\s/@]+(\/\S*)?$/;
  const found: Fault[] = [];
  if (draft.name.trim() === "") found.push("name");
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(draft.id)) found.push("id");
  if (!url.test(draft.main.url)) found.push("url");
  if (draft.sub && !url.test(draft.sub.url)) found.push("suburl");
  const bare = new Set((draft.zones ?? []).filter(({ area_m2 }) => typeof area_m2 !== "number").map(({ id }) => id));
  if ((draft.rules ?? []).some((rule) => rule.kind === "crowding" && typeof rule.density === "number" && bare.has(rule.zone))) found.push("area");
  return found;
}
