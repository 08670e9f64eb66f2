import { describe, expect, it } from "vitest";

import type { FeedItem, ScreenStatus } from "@/lib/model";

import { EMPTY, reduce, type Action } from "./reduce";

const status = (version: number, connected = true): ScreenStatus => ({ id: "hall", connected, state: { v: 1, version, content: null, driver: null, since: null } });
const told = (screen: ScreenStatus): Action => ({ do: "batch", at: 0, batch: { last_id: null, items: [{ type: "screen", screen } as FeedItem] } });
const run = (...actions: Action[]) => actions.reduce(reduce, EMPTY).screens.get("hall");

describe("screens", () => {
  it("show the answer to one's own step at once, and nothing older than what the feed has told", () => {
    expect(run(told(status(1)), { do: "screen", screen: status(2) })?.state.version).toBe(2);
    expect(run(told(status(3)), { do: "screen", screen: status(2) })?.state.version).toBe(3);
  });

  it("follow the feed even back to the beginning: the server has lost its states", () => {
    expect(run(told(status(3)), told(status(0, false)))).toEqual(status(0, false));
  });
});
