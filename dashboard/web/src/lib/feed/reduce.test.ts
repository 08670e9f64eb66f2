import { describe, expect, it } from "vitest";

import type { AlarmChange, CameraHealth, FeedItem } from "@/lib/model";
import { row } from "@/lib/testing";

import { folded, held, inOrder } from "./order";
import { EMPTY, reduce, ROW_LIMIT, type Action, type FeedState } from "./reduce";

const batch = (items: FeedItem[], last_id: string | null = "5-0"): Action => ({ do: "batch", at: 1_000_000, batch: { last_id, items } });
const event = (id: string, change = {}, late = false): FeedItem => ({ type: "event", id: `${id}-0`, late, row: row(id, change) });
const acknowledged: FeedItem = { type: "alarm", id: "9-0", change: { v: 1, event_id: "a", state: "acknowledged", by: "op2", by_name: "2 号席", at: 1_010, comment: "已看", command: "acknowledge", standing: null } };
const run = (...actions: Action[]): FeedState => actions.reduce(reduce, EMPTY);

describe("reduce", () => {
  it("takes an event once, however often it is told", () => {
    const state = run(batch([event("a"), event("a")]), batch([event("a")]));
    expect(state.rows.size).toBe(1);
    expect(state.unacknowledged).toBe(1);
    expect(state.lastId).toBe("5-0");
  });

  it("shows an acknowledgement by another desk, with who and when", () => {
    const state = run(batch([event("a"), acknowledged]));
    expect(state.rows.get("a")).toMatchObject({ state: "acknowledged", acknowledged_by_name: "2 号席", comment: "已看" });
    expect(state.unacknowledged).toBe(0);
  });

  it("follows an alarm's later steps, and an older copy of the row takes none back", () => {
    const standing = { ...row("a"), state: "in_progress" as const, version: 2, owner: "op2", owner_name: "2 号席", acknowledged_at: 1_010 };
    const started: FeedItem = { type: "alarm", id: "10-0", change: { v: 1, event_id: "a", state: "in_progress", by: "op2", by_name: "2 号席", at: 1_020, comment: null, command: "start", standing: standing as AlarmChange["standing"] } };
    const state = run(batch([event("a"), acknowledged, started]), batch([event("a", { state: "acknowledged", version: 1 })]));
    expect(state.rows.get("a")).toMatchObject({ state: "in_progress", owner_name: "2 号席", version: 2 });
    expect(state.unacknowledged).toBe(0);
  });

  it("keeps a step that comes before its row: a page of rows may be older than the feed", () => {
    const standing = { ...row("a"), version: 1, flood: "b", desk: "east" };
    const routed: FeedItem = { type: "alarm", id: "9-0", change: { v: 1, event_id: "a", state: "new", by: "system", by_name: "system", at: 1_001, comment: null, command: "route", standing: standing as AlarmChange["standing"] } };
    const state = run(batch([routed]), { do: "loaded", unacknowledged: { rows: [row("a")], next_cursor: null, total: 1 }, recent: { rows: [row("a")], next_cursor: null, total: 1 } });
    expect(state.rows.get("a")).toMatchObject({ flood: "b", version: 1, state: "new" });
    expect(state.unacknowledged).toBe(1);
  });

  const went = (change: object): FeedItem => ({ type: "situation", id: "9-0", event_id: "a", at: 1_030, measured: 18, peak: 25, hits: 7, ended_at: null, ...change }) as FeedItem;

  it("moves measure, peak, end and repeats with the situation, and neither peak nor repeats fall", () => {
    const state = run(batch([event("a"), went({}), went({ measured: 12, peak: 20, hits: 5, ended_at: 1_040 })]));
    expect(state.rows.get("a")).toMatchObject({ measured: 22, repeats: 7, situation: { measured: 12, peak: 25, hits: 7, ended_at: 1_040 } });
    expect(run(batch([event("a"), went({}), event("a")])).rows.get("a")?.situation?.peak).toBe(25);
  });

  it("counts an event that was merged into another no more, until that is taken back", () => {
    const correction = { id: 1, action: "merge", event_id: "b", other_id: "a", at: 1, by: "x", by_name: "班长", comment: null, undone_at: null, undone_by: null, undone_by_name: null };
    const merged = run(batch([event("a"), event("b"), { type: "correction", id: "9-0", correction } as FeedItem]));
    expect(merged.rows.get("a")?.situation?.merged_into).toBe("b");
    expect(merged.unacknowledged).toBe(1);
    const back = run(batch([event("a"), event("b"), { type: "correction", id: "9-0", correction } as FeedItem, { type: "correction", id: "9-1", correction: { ...correction, undone_at: 2 } } as FeedItem]));
    expect(back.rows.get("a")?.situation?.merged_into).toBeNull();
    expect(back.unacknowledged).toBe(2);
  });

  it("remembers that a clip was told of", () => {
    expect(run(batch([{ type: "clip", id: "9-0", event_id: "a", kept: true } as FeedItem])).clips.has("a")).toBe(true);
  });

  it("does not take an acknowledgement back when an older copy of the row comes in", () => {
    const state = run(batch([event("a"), acknowledged]), batch([event("a", { repeats: 7 })]), {
      do: "loaded",
      unacknowledged: { rows: [], next_cursor: null, total: 0 },
      recent: { rows: [row("a")], next_cursor: null, total: 1 },
    });
    expect(state.rows.get("a")).toMatchObject({ state: "acknowledged", repeats: 0 });
    expect(state.unacknowledged).toBe(0);
  });

  it("counts what lies beyond the rows it holds", () => {
    const state = run({ do: "loaded", unacknowledged: { rows: [row("a")], next_cursor: "x", total: 120 }, recent: { rows: [], next_cursor: null, total: 0 } }, batch([event("b")]), batch([acknowledged]));
    expect(state.unacknowledged).toBe(120);
  });

  it("marks what happened while nobody was connected, and says what will never come", () => {
    const state = run(batch([{ type: "hello", v: 1, server_time: 1_001, resumed_from: "1-0", cursor: "resumed", missed: 1, gone: 3, reload: false } as FeedItem, event("late", {}, true)]));
    expect(state.rows.get("late")?.late).toBe(true);
    expect(state).toMatchObject({ missed: 1, gone: 3 });
    expect(reduce(state, { do: "read-gone" })).toMatchObject({ missed: 0, gone: 0 });
  });

  it("keeps the moment of the loss through all attempts, and forgets it when connected", () => {
    const lost = run({ do: "lost", at: 10, attempt: 1 }, { do: "lost", at: 90, attempt: 2 });
    expect(lost).toMatchObject({ connection: "lost", lostAt: 10, attempt: 2 });
    expect(reduce(lost, { do: "opened" })).toMatchObject({ connection: "open", lostAt: null });
  });

  it("halves the way of a ping out of the clock's offset", () => {
    const state = run({ do: "batch", at: 2_000, batch: { last_id: null, items: [{ type: "pong", t: 1_800, server_time: 5 }] } });
    expect(state.offsetMs).toBe(5_000 - 1_900);
    expect(state.lastId).toBeNull();
  });

  it("trusts the shortest round trip: an answer that waited on the way moves no clock", () => {
    const pong = (t: number, at: number, server_time: number): Action => ({ do: "batch", at, batch: { last_id: null, items: [{ type: "pong", t, server_time }] } });
    const good = run(pong(10_000, 10_010, 15.005));
    expect(good.offsetMs).toBe(5_000);
    expect(reduce(good, pong(20_000, 24_000, 28.9)).offsetMs).toBe(5_000);
    expect(reduce(good, { do: "batch", at: 24_000, batch: { last_id: null, items: [{ type: "time", server_time: 26 } as FeedItem] } }).offsetMs).toBe(5_000);
    expect(reduce(good, pong(80_000, 80_200, 90.1)).offsetMs).toBe(10_000);
    // No delay explains that an hour is between them: a clock was set.
    expect(reduce(good, pong(20_000, 20_100, 3_620.05)).offsetMs).toBe(3_600_000);
  });

  it("says which part of the server is away until it is back", () => {
    const away = run(batch([{ type: "trouble", part: "store", since: 990, over: false } as FeedItem]));
    expect([...away.away]).toEqual([["store", 990]]);
    expect(reduce(away, batch([{ type: "trouble", part: "store", since: 990, over: true } as FeedItem])).away.size).toBe(0);
  });

  it("counts a word that it does not know", () => {
    expect(run(batch([{ type: "novelty" } as unknown as FeedItem])).trouble).toBe(1);
  });

  it("gives up old acknowledged rows before any that waits", () => {
    const closed = Array.from({ length: ROW_LIMIT }, (_, i) => event(`c${i}`, { state: "acknowledged", occurred_at: 5_000 + i }));
    const state = run(batch([event("waiting", { occurred_at: 1 }), ...closed]));
    expect(state.rows.size).toBe(ROW_LIMIT);
    expect(state.rows.has("waiting")).toBe(true);
    expect(state.rows.has("c0")).toBe(false);
  });
});

describe("settings", () => {
  const seen = (...ids: string[]) => ids.map((camera_id) => ({ camera_id }) as CameraHealth);

  it("are another revision once the feed says so", () => {
    expect(run(batch([{ type: "settings", revision: 7 }])).revision).toBe(7);
  });

  it("take cameras that are gone off the list, when all are read again", () => {
    const state = run({ do: "health", cameras: seen("a", "b") }, batch([{ type: "health", cameras: seen("c") }]), { do: "health", cameras: seen("a", "c") });
    expect([...state.health.keys()]).toEqual(["a", "c"]);
  });
});

describe("order", () => {
  it("puts the gravest first, then the newest, and what is done last", () => {
    const rows = [row("old", { occurred_at: 1 }), row("done", { state: "acknowledged", severity: "critical", occurred_at: 9 }), row("new", { occurred_at: 5 }), row("grave", { severity: "critical", occurred_at: 0 })];
    expect(inOrder(rows).map(({ id }) => id)).toEqual(["grave", "new", "old", "done"]);
  });

  it("puts one's own desks before others', and what is in work before what is settled", () => {
    const rows = [
      row("closed", { state: "closed", occurred_at: 9 }), row("over", { state: "acknowledged", returned_at: 5, occurred_at: 8 }), row("work", { state: "in_progress", occurred_at: 1 }),
      row("theirs", { severity: "critical", desk: "west" }), row("mine", { severity: "low", desk: "east" }), row("nobody's", { severity: "medium" }),
    ];
    expect(inOrder(rows, new Set(["east"])).map(({ id }) => id)).toEqual(["nobody's", "mine", "theirs", "work", "closed", "over"]);
  });

  it("stands still under a hand: same order, newest content, new ones counted", () => {
    const rows = new Map([row("b", { state: "acknowledged" }), row("a"), row("c", { severity: "critical" })].map((r) => [r.id, r]));
    const { shown, waiting } = held(["a", "b"], rows);
    expect(shown.map(({ id, state }) => [id, state])).toEqual([["a", "new"], ["b", "acknowledged"]]);
    expect(waiting).toBe(1);
  });
});

describe("urgency", () => {
  it("is the priority of place and time before the rule's severity", () => {
    const rows = [row("grave", { severity: "critical", priority: "low" }), row("night", { severity: "low", priority: "high" }), row("plain", { severity: "medium" })];
    expect(inOrder(rows).map(({ id }) => id)).toEqual(["night", "plain", "grave"]);
  });
});

describe("a flood", () => {
  const rows = [row("a"), row("b", { flood: "b" }), row("c", { flood: "b" }), row("d", { flood: "d" }), row("e", { flood: "b", state: "acknowledged" }), row("f", { flood: "b" })];

  it("is folded to the first of each group, with how many wait in it", () => {
    expect(folded(rows, new Set()).map(({ row: { id }, group, size }) => [id, group, size])).toEqual([["a", null, 1], ["b", "b", 3], ["d", null, 1], ["e", null, 1]]);
  });

  it("hides nothing once a group is unfolded", () => {
    expect(folded(rows, new Set(["b"])).map((listed) => listed.row.id)).toEqual(rows.map(({ id }) => id));
  });
});
