import { describe, expect, it } from "vitest";

import { makeWords } from "@/lib/i18n";
import type { StateMessage } from "@/lib/model";
import type { Freshness } from "@/lib/player/freshness";

import { sentence } from "./words";

const words = makeWords({ getItem: () => "zh", setItem: () => undefined });
const at = { monotonic: 20_000, now: 1_000_000_000, zone: "Asia/Shanghai" };
const camera = (more: Partial<StateMessage>): StateMessage => ({
  v: 1, type: "state", camera_id: "c", stream: "sub", phase: "live", fault: null, since: 999_000, at: 0, attempt: 0, detail: "", next_try_at: null, last_picture_at: null, worker: true, ...more,
});
const fresh = (more: Partial<Freshness>): Freshness => ({ state: "stale", cause: "camera", fault: null, sinceMs: 8_000, attempt: 0, ...more });

describe("sentence", () => {
  it("is silent over a live picture", () => {
    expect(sentence(fresh({ state: "live", cause: null }), null, null, null, at, words)).toBeNull();
  });

  it("says what is wrong, for how long and what is being done", () => {
    expect(sentence(fresh({ fault: "frozen", attempt: 4 }), camera({ phase: "live" }), null, null, at, words)).toEqual({ title: "画面停滞 12 s", text: "有连接，无数据", action: "正在重连（第 4 次）" });
  });

  it("counts a picture that never changes from the camera's own word", () => {
    expect(sentence(fresh({ fault: "stuck", sinceMs: 19_990 }), camera({ phase: "stale", since: 999_970 }), null, null, at, words)?.title).toBe("画面停滞 30 s");
    expect(sentence(fresh({ fault: "stuck", sinceMs: 19_990 }), camera({ phase: "live" }), null, 999_980_000, at, words)?.title).toBe("画面停滞 20 s");
  });

  it("names the network, the worker and this computer as such", () => {
    expect(sentence(fresh({ cause: "network", attempt: 2 }), null, null, null, at, words)).toMatchObject({ text: "本机与服务器的连接中断", action: "正在重连（第 2 次）" });
    expect(sentence(fresh({ cause: "worker" }), null, null, null, at, words)?.text).toContain("处理进程");
    expect(sentence(fresh({ cause: "browser" }), null, "slow", null, at, words)?.text).toContain("已跳到实时");
    expect(sentence(fresh({ state: "connecting", cause: "browser" }), camera({}), "decoder", null, at, words)?.text).toContain("解码出错");
  });

  it("says since when a camera is offline, and when a refused one is tried again", () => {
    expect(sentence(fresh({ state: "offline", fault: "unreachable" }), camera({ phase: "offline" }), null, null, at, words)?.text).toMatch(/^无法连接 · 自 .+（16:40）$/);
    expect(sentence(fresh({ state: "refused", fault: "refused", attempt: 3 }), camera({ phase: "refused", next_try_at: 1_000_540 }), null, null, at, words)?.action).toBe("9:00 后再试（第 3 次）");
  });
});
