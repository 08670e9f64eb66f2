import { describe, expect, it } from "vitest";

import { ApiError } from "@/lib/api";
import { makeWords } from "@/lib/i18n";

import { cellWords, tableSentences } from "./tableWords";

const storage = (language: string) => ({ getItem: () => language, setItem: () => undefined });
const english = makeWords(storage("en"));
const chinese = makeWords(storage("zh"));

describe("a faulty row", () => {
  it("says its column and what is wrong there, in both languages", () => {
    const fault = { column: "site", code: "unknown_site", value: "nowhere" } as const;
    expect(cellWords(fault, english)).toBe("Site: no site is called “nowhere”.");
    expect(cellWords(fault, chinese)).toBe("点位：没有名为「nowhere」的点位。");
  });
});

describe("a file that is no table", () => {
  it("says why it is none", () => {
    const refused = new ApiError(422, "no_table", "", null, { reason: "columns", value: "site, name" });
    expect(tableSentences(refused, chinese).text).toBe("首行须写明各列，缺少：site, name。");
    expect(tableSentences(refused, english).action).toContain("template");
  });

  it("says what any other failure says", () => {
    expect(tableSentences(new ApiError(422, "no_table", "", null), english).text).toBe("The file is no table that can be read.");
    expect(tableSentences(new ApiError(0, "network", "", null), english).text).toContain("server");
  });
});
