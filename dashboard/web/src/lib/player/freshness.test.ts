import { describe, expect, it } from "vitest";

import type { StateMessage } from "@/lib/model";

import { HIDDEN, judge, LATE_AFTER_MS, STALE_AFTER_MS, TICK_MS, type Signals } from "./freshness";

const camera = (phase: StateMessage["phase"], more: Partial<StateMessage> = {}): StateMessage => ({
  v: 1, type: "state", camera_id: "c", stream: "sub", phase, fault: null, since: 0, at: 0, attempt: 0, detail: "", next_try_at: null, last_picture_at: null, worker: true, ...more,
});
const good: Signals = { glassAt: 10_000, fragmentAt: 10_000, heardAt: 10_000, hungAt: null, socket: "open", socketAttempt: 0, browserFault: null, camera: camera("live"), startedAt: 0 };

describe("judge", () => {
  it("marks a picture that ceased to advance within 2 s, ticks included", () => {
    expect(STALE_AFTER_MS + TICK_MS).toBeLessThanOrEqual(2_000);
    expect(judge(good, 10_000 + STALE_AFTER_MS).state).toBe("live");
    expect(judge(good, 10_001 + STALE_AFTER_MS).state).toBe("stale");
  });

  it("counts from the last new picture", () => {
    expect(judge(good, 22_000)).toMatchObject({ state: "stale", sinceMs: 10_000 });
  });

  it.each<[string, Partial<Signals>, string]>([
    ["the socket is closed", { socket: "closed" }, "network"],
    ["the socket is being opened again", { socket: "connecting" }, "network"],
    ["the socket is open and silent", { heardAt: 18_400 }, "network"],
    ["the dashboard says that the worker is away", { camera: camera("offline", { worker: false }) }, "worker"],
    ["the worker says nothing at all of a camera that was well", {}, "worker"],
    ["the worker may still be about to tell", { glassAt: 18_000, fragmentAt: 18_000 }, "camera"],
    ["pictures arrive and are not shown", { fragmentAt: 19_900 }, "browser"],
    ["the decoder failed", { browserFault: "decoder", socket: "closed" }, "browser"],
    ["the decoder failed at what the worker cannot decode either", { browserFault: "decoder", camera: camera("live", { fault: "garbled" }) }, "camera"],
    ["the page itself stood still", { hungAt: 19_900, heardAt: 12_000 }, "browser"],
    ["the page is in the background", { browserFault: HIDDEN, glassAt: 19_900 }, "browser"],
  ])("blames the right one: %s", (_why, change, cause) => {
    expect(judge({ ...good, heardAt: 19_500, ...change }, 20_000)).toMatchObject({ state: "stale", cause });
  });

  it("does not call a picture live that moves and is old, or that moves and is always the same", () => {
    expect(judge(good, 10_000, LATE_AFTER_MS).state).toBe("live");
    expect(judge(good, 10_000, LATE_AFTER_MS + 1)).toMatchObject({ state: "stale", cause: "late" });
    expect(judge({ ...good, camera: camera("live", { fault: "stuck" }) }, 10_000, 200)).toMatchObject({ state: "stale", cause: "camera" });
  });

  it("does not call a picture live of which nobody knows how old it is, though it came this moment", () => {
    expect(judge(good, 10_000, 0).state).toBe("live");
    expect(judge(good, 10_000, null)).toMatchObject({ state: "stale", cause: "late" });
  });

  it("believes the camera at once, while the picture still moves", () => {
    expect(judge({ ...good, camera: camera("stale", { fault: "stuck" }) }, 10_100)).toMatchObject({ state: "stale", cause: "camera", fault: "stuck" });
    expect(judge({ ...good, camera: camera("offline", { fault: "unreachable" }) }, 10_100).state).toBe("offline");
    expect(judge({ ...good, camera: camera("refused") }, 10_100).state).toBe("refused");
  });

  it("does not believe an old word of the camera over a lost connection", () => {
    expect(judge({ ...good, socket: "closed", camera: camera("offline") }, 20_000)).toMatchObject({ state: "stale", cause: "network" });
  });

  it("is connecting until the first picture, and says what stands in the way", () => {
    const first: Signals = { ...good, glassAt: null, fragmentAt: null, heardAt: null, startedAt: 9_000 };
    expect(judge({ ...first, camera: null }, 10_000)).toMatchObject({ state: "connecting", cause: "camera", sinceMs: 9_000 });
    expect(judge({ ...first, browserFault: "codec" }, 10_000)).toMatchObject({ state: "connecting", cause: "browser" });
    expect(judge({ ...first, socket: "closed", socketAttempt: 3 }, 10_000)).toMatchObject({ state: "connecting", cause: "network", attempt: 3 });
  });
});
