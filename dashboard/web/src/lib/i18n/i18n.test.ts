import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { en } from "./en";
import { fill } from "./index";
import { zh } from "./zh";

const SOURCE = new URL("../../", import.meta.url).pathname;

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.(ts|vue)$/.test(entry.name) && !/\.test\.ts$|\/i18n\/(zh|en)\.ts$/.test(path) ? [path] : [];
  });
}

const text = sources(SOURCE).map((path) => readFileSync(path, "utf8")).join("\n");
/** Keys in full, as any string literal. */
const literal = new Set([...text.matchAll(/["'`]([a-z]+(?:\.[\w-]+)*)["'`]/g)].map(([, key]) => key ?? ""));
/** Groups whose last word is data: word("fault", …) or t(`fault.${…}`). */
const groups = new Set([
  ...[...text.matchAll(/\bword\(\s*["']([\w.]+)["']/g)].map(([, group]) => group ?? ""),
  ...[...text.matchAll(/`([a-z][\w.]*)\.\$\{/g)].map(([, group]) => group ?? ""),
]);

describe("dictionaries", () => {
  it("have the same keys and none is empty", () => {
    expect(Object.keys(en).sort()).toEqual(Object.keys(zh).sort());
    expect(Object.entries({ ...zh }).filter(([, words]) => words.trim() === "")).toEqual([]);
    expect(Object.entries(en).filter(([, words]) => words.trim() === "")).toEqual([]);
  });

  it("take the same values in both languages", () => {
    const values = (words: string): string[] => [...new Set(words.match(/\{\w+\}/g) ?? [])].sort();
    const differing = Object.entries(zh).filter(([key, words]) => values(words).join() !== values(en[key as keyof typeof zh]).join());
    expect(differing.map(([key]) => key)).toEqual([]);
  });

  it("hold no word that nobody says", () => {
    const unused = Object.keys(zh).filter((key) => !literal.has(key) && !groups.has(key.slice(0, key.lastIndexOf("."))));
    expect(unused).toEqual([]);
  });

  it("hold every word that is said", () => {
    const said = [...text.matchAll(/\bt\(\s*["']([^"']+)["']/g)].map(([, key]) => key ?? "");
    expect(said.filter((key) => !(key in zh))).toEqual([]);
    const known = Object.keys(zh);
    expect([...groups].filter((group) => !known.some((key) => key.startsWith(`${group}.`)))).toEqual([]);
  });

  it("keep Chinese out of the English and full-width marks in the Chinese", () => {
    const mixed = Object.entries(en).filter(([key, words]) => key !== "header.language" && /[\u4e00-\u9fff，。；：]/.test(words));
    expect(mixed).toEqual([]);
    expect(Object.entries(zh).filter(([, words]) => /[\u4e00-\u9fff][,;:?!]/.test(words))).toEqual([]);
  });
});

describe("fill", () => {
  it("puts values in their places and leaves an unknown place readable", () => {
    expect(fill("{n} 人 / 限 {limit}", { n: 22, limit: 15 })).toBe("22 人 / 限 15");
    expect(fill("{n} {missing}", { n: 0 })).toBe("0 {missing}");
  });

  it("takes the word for one, and for any other number", () => {
    const told = [0, 1, 2, "1", "1+5"].map((n) => fill("{n} {n|tile|tiles}", { n }));
    expect(told).toEqual(["0 tiles", "1 tile", "2 tiles", "1 tile", "1+5 tiles"]);
  });
});
