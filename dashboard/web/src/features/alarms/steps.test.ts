import { describe, expect, it } from "vitest";

import { row } from "@/lib/testing";

import { makesRoom, offered, putDown, shelves } from "./steps";

const LEGAL = { new: ["acknowledge", "own", "comment", "shelve"], acknowledged: ["own", "comment", "start", "hold", "shelve", "close"], closed: ["comment", "reopen"] } as const;
const everything = (): boolean => true;
const legal = Object.fromEntries(Object.entries(LEGAL).map(([state, steps]) => [state, [...steps]]));

describe("the steps that are offered", () => {
  it("are the legal ones that the role may take", () => {
    expect([...offered(row("a"), legal, everything)]).toEqual(["acknowledge", "own", "comment", "shelve"]);
    expect([...offered(row("a", { state: "closed" }), legal, (action) => action !== "alarm.reopen")]).toEqual(["comment"]);
  });

  it("are none until the server has said which", () => {
    expect(offered(row("a"), undefined, everything).size).toBe(0);
  });
});

describe("the alarm in hand", () => {
  it("stays while nobody has seen it, however long", () => {
    expect(makesRoom(row("a"), 1e9)).toBe(false);
  });

  it("makes room soon once it is put down, later while it is only left", () => {
    const held = row("a", { state: "on_hold" });
    const working = row("a", { state: "in_progress" });
    expect(putDown(held)).toBe(true);
    expect([makesRoom(held, 1_000), makesRoom(held, 8_000)]).toEqual([false, true]);
    expect([makesRoom(working, 8_000), makesRoom(working, 30_000)]).toEqual([false, true]);
    expect(makesRoom(null, 0)).toBe(true);
  });
});

describe("a shelf", () => {
  it("lasts to the end of the shift only where one lies ahead", () => {
    expect(shelves(1_000, 8_200).map(({ name, seconds }) => [name, seconds])).toEqual([["quarter", 900], ["hour", 3_600], ["shift", 7_200]]);
    expect(shelves(1_000, null)).toHaveLength(2);
    expect(shelves(1_000, 1_010)).toHaveLength(2);
  });
});
