import { describe, expect, it } from "vitest";

import { ApiError, makeApi, queryString, sentences } from "./api";
import { makeWords } from "./i18n";

const words = makeWords({ getItem: () => null, setItem: () => undefined });

function answering(status: number, body: string, asked: string[] = []) {
  let logins = 0;
  const api = makeApi({
    fetch: async (path) => {
      asked.push(String(path));
      return new Response(body, { status });
    },
    language: () => "zh-CN",
    onLoginRequired: () => logins++,
  });
  return { api, logins: () => logins };
}

describe("api", () => {
  it("gives the server's code, and our sentence for it", async () => {
    const { api } = answering(503, '{"error":{"code":"store_away","message":"The event store does not answer.","action":"Wait."}}');
    const error: unknown = await api.node().catch((e: unknown) => e);
    expect(error).toMatchObject({ status: 503, code: "store_away" });
    expect(sentences(error, words)).toEqual({ text: "事件库没有回应。", action: "请稍后重试；若持续，请联系管理员。" });
  });

  it("shows the server's own words where we have none", () => {
    expect(sentences(new ApiError(400, "new_code", "Something new.", "Do this."), words)).toEqual({ text: "Something new.", action: "Do this." });
  });

  it("makes sense of a page that is not our server's", async () => {
    const { api } = answering(502, "<html>Bad gateway</html>");
    const error: unknown = await api.node().catch((e: unknown) => e);
    expect(sentences(error, words).text).toContain("502");
  });

  it("says that there was no answer at all", async () => {
    const api = makeApi({ fetch: () => Promise.reject(new TypeError("fetch failed")), language: () => "en", onLoginRequired: () => undefined });
    expect(await api.node().catch((e: unknown) => e)).toMatchObject({ status: 0, code: "network" });
  });

  it("asks for a login when a session ended, not when a login failed", async () => {
    const ended = answering(401, "{}");
    await ended.api.node().catch(() => undefined);
    expect(ended.logins()).toBe(1);
    const wrong = answering(401, "{}");
    await wrong.api.login("a", "b").catch(() => undefined);
    expect(wrong.logins()).toBe(0);
  });

  it("keeps an id inside its place in the path and leaves empty filters out", async () => {
    const asked: string[] = [];
    await answering(200, "{}", asked).api.event("../x?y");
    expect(asked).toEqual(["/api/events/..%2Fx%3Fy"]);
    expect(queryString({ kind: "", from: 0, cursor: undefined })).toBe("?from=0");
  });
});
