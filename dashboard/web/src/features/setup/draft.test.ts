import { describe, expect, it } from "vitest";

import { blank, drawn, faults, freeId, goesBy, LEAST_WAY, measureOf, newRule, newZone, placeOf, shifted, usualWay, whoOf, withoutPlace, withWays, withZone, type DrawnRule, type Point } from "./draft";

const SQUARE: Point[] = [[0.1, 0.1], [0.3, 0.1], [0.3, 0.3], [0.1, 0.3]];

describe("shifted", () => {
  it("moves all corners alike", () => expect(shifted(SQUARE, 0.1, 0.2)[0]).toEqual([0.2, 0.3]));
  it("keeps the shape at the edge of the picture", () => {
    const [a, , c] = shifted(SQUARE, 5, -5);
    expect([a, c]).toEqual([[0.8, 0], [1, 0.2]]);
  });
});

describe("places and rules", () => {
  const zone = newZone([], "院", SQUARE);
  const rule = newRule([], "crowding", "聚集", zone.id);
  const offline = { id: "offline", kind: "camera_offline", name: "离线", after_s: 10, rearm_s: 30, severity: "low" } as const;
  const draft = { ...blank("cam-1", "s", "口"), zones: [zone], rules: [rule, { ...offline, schedule: null, shared: null }] };

  it("ids are the first that are free", () => expect(freeId("zone", [zone, { id: "zone-3" }])).toBe("zone-2"));
  it("a new rule has the number that it is set by", () => expect(rule).toMatchObject({ zone: "zone-1", limit: 10, classes: ["person"] }));
  it("a place takes its rules along, and no other", () => {
    const left = withoutPlace(draft, zone.id);
    expect([left.zones, left.rules?.map(({ id }) => id)]).toEqual([[], ["offline"]]);
  });
  it("knows where a rule looks", () => expect(drawn(rule) && placeOf(rule)).toBe("zone-1"));
  it("who is watched for, in a word", () => expect([whoOf(["truck", "car", "motorcycle", "bus"]), whoOf(undefined), whoOf(["cow"])]).toEqual(["vehicle", "person", "other"]));
});

describe("a zone's direction", () => {
  it.each([[SQUARE], [[[0, 0], [1, 0], [1, 0.01], [0, 0.01]] as Point[]], [[[0.5, 0.99], [0.6, 1], [0.5, 1]] as Point[]]])("%# lies on the picture and is long enough to have one", (polygon) => {
    const [[x1, y1], [x2, y2]] = usualWay(polygon);
    expect([x1, y1, x2, y2].every((n) => n >= 0 && n <= 1)).toBe(true);
    expect(y1 - y2).toBeGreaterThanOrEqual(LEAST_WAY);
  });

  it("is there as soon as a rule goes by it, and none that was drawn is turned", () => {
    const [one, two] = [newZone([], "甲", SQUARE), { ...newZone([{ id: "zone-1" } as never], "乙", SQUARE), way: [[0, 0], [1, 1]] as [Point, Point] }];
    const rules = [newRule([], "wrong_way", "逆行", "zone-1"), newRule([], "wrong_way", "逆行", "zone-2")];
    const made = withWays({ ...blank("cam-1", "s", "口"), zones: [one, two], rules });
    expect(made.zones?.map(({ way }) => way)).toEqual([usualWay(SQUARE), two.way]);
    expect([goesBy(made, "zone-1"), goesBy(made, "zone-3")]).toEqual([true, false]);
  });
});

describe("a crowd by density", () => {
  it("needs the zone's area", () => {
    const rule = { ...newRule([], "crowding", "聚集", "zone-1"), limit: null, density: 2 } as DrawnRule;
    const draft = { ...blank("cam-1", "s", "口"), main: { url: "rtsp://10.0.0.1/main", transport: "tcp" as const }, zones: [newZone([], "院", SQUARE)], rules: [rule] };
    expect(measureOf(rule)).toBe("density");
    expect(faults(draft)).toEqual(["area"]);
    expect(faults(withZone(draft, "zone-1", { area_m2: 80 }))).toEqual([]);
  });
});

describe("faults", () => {
  const good = { ...blank("cam-1", "s", "口"), main: { url: "rtsp://10.0.0.1:554/main?x=1", transport: "tcp" as const } };
  it.each([
    [good, []],
    [blank("cam-1", "s", " "), ["name", "url"]],
    [{ ...good, id: "摄像机" }, ["id"]],
    [{ ...good, main: { url: "rtsp://admin:word@10.0.0.1/main" } }, ["url"]],
    [{ ...good, sub: { url: "10.0.0.1" } }, ["suburl"]],
  ])("%#", (draft, found) => expect(faults(draft as typeof good)).toEqual(found));
});
