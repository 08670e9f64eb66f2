import { describe, expect, it } from "vitest";

import { makeWords } from "@/lib/i18n";
import type { ScreenStatus } from "@/lib/model";
import { row } from "@/lib/testing";

import { driver, title } from "./content";

const words = (language: string) => makeWords({ getItem: () => language, setItem: () => undefined });
const known = (language: string) => ({
  words: words(language),
  place: (camera: string) => `在${camera}`,
  row: (id: string) => (id === "e" ? row("e", { camera_id: "c1" }) : null),
});
const zh = known("zh");

describe("title", () => {
  it("names a scene by its name, one camera by its place, else by the layout", () => {
    expect(title({ kind: "scene", layout: "4", tiles: ["a", null, null, null], name: "夜巡" }, zh)).toBe("夜巡");
    expect(title({ kind: "scene", layout: "1", tiles: ["a"], name: null }, zh)).toBe("在a");
    expect(title({ kind: "scene", layout: "1+5", tiles: ["a", "b", null, null, null, null], name: null }, zh)).toBe("1+5 画面");
  });

  it("says an alarm's kind and place as soon as it is known", () => {
    expect(title({ kind: "alarm", event_id: "e" }, zh)).toBe("人员聚集 · 在c1");
    expect(title({ kind: "alarm", event_id: "later" }, zh)).toBe("报警");
    expect(title(null, known("en"))).toBe("Nothing pushed");
  });
});

describe("driver", () => {
  const state = (who: Exclude<ScreenStatus["state"]["driver"], undefined>): ScreenStatus["state"] => ({ v: 1, version: 1, content: null, driver: who, since: 1 });

  it("is the desk, in the reader's language, else the person", () => {
    const desk = { account: "1", name: "王", desk: "d", desk_name: "县坐席", desk_name_en: "County desk" };
    expect(driver(state(desk), zh)).toBe("县坐席");
    expect(driver(state(desk), known("en"))).toBe("County desk");
    expect(driver(state({ account: "1", name: "王", desk: null, desk_name: null, desk_name_en: null }), zh)).toBe("王");
    expect(driver(state(null), zh)).toBeNull();
  });
});
