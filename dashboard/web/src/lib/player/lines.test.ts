import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Lines, type Wish } from "./lines";

class Socket {
  static readonly OPEN = 1;
  static made: Socket[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readyState = 0;
  readonly asked: { readonly n: number; readonly camera_id: string | null }[] = [];
  constructor(readonly url: string) {
    Socket.made.push(this);
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  send(data: string): void {
    this.asked.push(JSON.parse(data) as { n: number; camera_id: string | null });
  }
  close(): void {
    this.readyState = 3;
  }
  says(data: unknown): void {
    this.onmessage?.({ data });
  }
  answers(): void {
    this.says(JSON.stringify({ v: 1, type: "watching", n: this.asked[this.asked.length - 1]?.n }));
  }
}

const socket = (at: number): Socket => Socket.made[at] as Socket;
const wish = (cameraId: string): Wish => ({ cameraId, stream: "sub", form: "live" });
function listener() {
  return { onAsked: vi.fn(), onOpen: vi.fn(), onMessage: vi.fn(), onClose: vi.fn() };
}

let lines: Lines;
beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Socket);
  Socket.made = [];
  lines = new Lines("ws://x/api/live");
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("Lines", () => {
  it("asks on the line that another stream has left, and hears nothing of that one", () => {
    const first = listener();
    const leave = lines.watch(wish("a"), first);
    socket(0).open();
    socket(0).answers();
    socket(0).says("a's");
    expect(first.onOpen).toHaveBeenCalledOnce();
    expect(first.onMessage.mock.calls).toEqual([["a's"]]);
    leave();
    socket(0).says("a's, late");
    expect(first.onMessage).toHaveBeenCalledOnce();

    const second = listener();
    lines.watch(wish("b"), second);
    expect(Socket.made).toHaveLength(1);
    expect(socket(0).asked.map(({ camera_id }) => camera_id)).toEqual(["a", null, "b"]);
    socket(0).says(new ArrayBuffer(4));
    socket(0).says(JSON.stringify({ v: 1, type: "beat", at: 1 }));
    socket(0).says(JSON.stringify({ v: 1, type: "watching", n: 0 }));
    expect(second.onMessage).not.toHaveBeenCalled();
    socket(0).answers();
    socket(0).says("b's");
    expect(second.onMessage.mock.calls).toEqual([["b's"]]);
  });

  it("has a spare line for each that is used, so that a whole wall changes without a new socket", () => {
    const leaves = ["a", "b", "c"].map((id) => lines.watch(wish(id), listener()));
    Socket.made.forEach((each) => each.open());
    Socket.made.forEach((each) => each.answers());
    vi.advanceTimersByTime(2_000);
    expect(Socket.made).toHaveLength(6);
    Socket.made.slice(3).forEach((each) => each.open());
    ["d", "e", "f"].map((id) => lines.watch(wish(id), listener()));
    expect(Socket.made.slice(3).map((each) => each.asked[0]?.camera_id)).toEqual(["d", "e", "f"]);
    Socket.made.slice(3).forEach((each) => each.answers());
    leaves.forEach((leave) => leave());
    vi.advanceTimersByTime(10_000);
    expect(Socket.made).toHaveLength(6);
  });

  it("tells whoever listens that the line is gone, once, and opens a new one for the next", () => {
    const heard = listener();
    const leave = lines.watch(wish("a"), heard);
    socket(0).open();
    socket(0).onclose?.({ code: 4404 });
    expect(heard.onClose.mock.calls).toEqual([[4404]]);
    leave();
    lines.watch(wish("b"), listener());
    expect(Socket.made).toHaveLength(2);
  });

  it("closes a line that is doubted, and the spare ones with it", () => {
    const leave = lines.watch(wish("a"), listener());
    socket(0).open();
    vi.advanceTimersByTime(2_000);
    socket(1).open();
    leave(true);
    expect(Socket.made.map(({ readyState }) => readyState)).toEqual([3, 3]);
    lines.watch(wish("a"), listener());
    expect(Socket.made).toHaveLength(3);
  });

  it("closes those that nobody uses when the account leaves", () => {
    const leave = lines.watch(wish("a"), listener());
    leave();
    lines.close();
    expect(socket(0).readyState).toBe(3);
    vi.advanceTimersByTime(10_000);
    expect(Socket.made).toHaveLength(1);
  });

  it("asks as soon as a line that is still being opened is open", () => {
    const heard = listener();
    lines.watch(wish("a"), listener())();
    lines.watch(wish("b"), heard);
    expect(Socket.made).toHaveLength(1);
    socket(0).open();
    expect(socket(0).asked.map(({ camera_id }) => camera_id)).toEqual(["b"]);
    expect(heard.onAsked).toHaveBeenCalled();
  });
});
