import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Feed, parse, SILENCE_MS } from "./feed";
import type { Action } from "./reduce";

class Socket {
  static readonly OPEN = 1;
  static made: Socket[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readyState = 0;
  sent: string[] = [];
  constructor(readonly url: string) {
    Socket.made.push(this);
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  send(data: string): void {
    this.sent.push(data);
  }
  close(): void {
    this.readyState = 3;
  }
}

let said: Action[] = [];
let loginAsked = 0;
let joined = 0;
let lastId: string | null = null;
const newest = (): Socket => Socket.made[Socket.made.length - 1] as Socket;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Socket);
  Socket.made = [];
  said = [];
  loginAsked = 0;
  joined = 0;
  lastId = null;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function start(): Feed {
  const feed = new Feed({ url: (id) => `ws://x/feed?${id ?? ""}`, lastId: () => lastId, dispatch: (action) => said.push(action), onJoined: () => joined++, onLoginRequired: () => loginAsked++ });
  feed.start();
  return feed;
}

describe("Feed", () => {
  it("says at once that the connection is lost, and resumes from the last id within 2 s however often it fails", () => {
    const feed = start();
    newest().open();
    lastId = "7-0";
    for (let i = 1; i <= 8; i++) {
      newest().onclose?.({ code: 1006 });
      expect(said.at(-1)).toMatchObject({ do: "lost", attempt: i });
      const before = Socket.made.length;
      vi.advanceTimersByTime(2_000);
      expect(Socket.made.length).toBe(before + 1);
      expect(newest().url).toContain("7-0");
    }
    feed.stop();
  });

  it("reads what the feed does not carry after the hello, or after a moment without one", () => {
    const hello = { data: JSON.stringify({ type: "batch", last_id: "1-0", items: [{ type: "hello" }] }) };
    const feed = start();
    newest().open();
    expect(joined).toBe(0);
    newest().onmessage?.(hello);
    vi.advanceTimersByTime(2_000);
    expect(joined).toBe(1);
    newest().onclose?.({ code: 1006 });
    vi.advanceTimersByTime(2_000);
    newest().open();
    vi.advanceTimersByTime(2_000);
    expect(joined).toBe(2);
    newest().onmessage?.(hello);
    expect(joined).toBe(3);
    feed.stop();
  });

  it("takes silence for a loss, whatever the socket says", () => {
    const feed = start();
    newest().open();
    vi.advanceTimersByTime(SILENCE_MS + 2_000);
    expect(said.some((action) => action.do === "lost")).toBe(true);
    feed.stop();
  });

  it("asks for a login instead of knocking on", () => {
    const feed = start();
    newest().onclose?.({ code: 4401 });
    vi.advanceTimersByTime(60_000);
    expect(loginAsked).toBe(1);
    expect(Socket.made.length).toBe(1);
    feed.stop();
  });

  it("is quiet after it was stopped", () => {
    const feed = start();
    newest().open();
    feed.stop();
    vi.advanceTimersByTime(60_000);
    expect(Socket.made.length).toBe(1);
  });

  it("counts what it cannot read", () => {
    const feed = start();
    newest().open();
    newest().onmessage?.({ data: "{" });
    expect(said.at(-1)).toEqual({ do: "trouble" });
    feed.stop();
  });
});

describe("parse", () => {
  it.each([["{"], ["[]"], ["null"], ['"x"'], ['{"type":"batch"}'], ['{"no":"type"}']])("refuses %s", (text) => {
    expect(parse(text)).toBeNull();
  });

  it("takes an answer to a ping as a batch of one", () => {
    expect(parse('{"type":"pong","t":1,"server_time":2}')).toEqual({ last_id: null, items: [{ type: "pong", t: 1, server_time: 2 }] });
  });
});
