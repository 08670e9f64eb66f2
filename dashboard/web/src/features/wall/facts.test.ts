import { describe, expect, it } from "vitest";

import { makeWords } from "@/lib/i18n";
import { health } from "@/lib/testing";

import { facts, unwatched } from "./facts";

const words = (language: string) => makeWords({ getItem: () => language, setItem: () => undefined });
const zh = words("zh");
const en = words("en");
const busy = health("a", { received: 1000, fps_received: 12.5, fps_analysed: 4, gate: "open", dropped: { rate: 200, gated: 600, superseded: 3, shutdown: 0 } });

describe("facts", () => {
  it("says rates, gate, what took most pictures, and the stream", () => {
    expect(facts(busy, { codec: "avc1.4d401e", width: 640, height: 360 }, zh)).toEqual(["收 12.5 / 析 4.0 帧/秒 · 有活动", "丢弃 画面静止 60% · 限速 20%", "H.264 640×360"]);
    expect(facts(busy, null, en)).toEqual(["in 12.5 / analysed 4.0 fps · something moves", "dropped: nothing moved 60% · rate limit 20%"]);
  });

  it("tells overload instead of the gate, and a small share as such", () => {
    expect(facts(health("a", { level: "half", received: 1000, dropped: { shed: 3 } }), { codec: "hvc1.1.6", width: 8, height: 4 }, zh)).toEqual(["收 0.0 / 析 0.0 帧/秒 · 过载：半速", "丢弃 过载让出 <1%", "H.265 8×4"]);
  });

  it("claims nothing of a camera whose worker is silent or unheard", () => {
    expect(facts(undefined, null, zh)).toEqual(["尚无分析数据"]);
    expect(facts({ ...busy, silent: true }, null, zh)).toEqual(["尚无分析数据"]);
  });
});

describe("unwatched", () => {
  it("says that pictures are not analysed, and why", () => {
    expect(unwatched(health("a", { unanalysed: "detector_error" }), zh)).toBe("未分析 · 检测出错");
    expect(unwatched(health("a", { unanalysed: "late", level: "floor" }), en)).toBe("Not analysed · detector is late");
  });

  it("says when overload leaves a look now and then", () => {
    expect(unwatched(health("a", { level: "floor" }), zh)).toBe("过载：偶尔查看");
  });

  it("is silent over a camera that rests at its gate, and over one whose worker's silence is told already", () => {
    expect(unwatched(health("a", { gate: "shut" }), zh)).toBeNull();
    expect(unwatched(health("a", { unanalysed: "late", silent: true }), zh)).toBeNull();
    expect(unwatched(undefined, zh)).toBeNull();
  });
});
