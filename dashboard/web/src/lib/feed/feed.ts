/** The feed's websocket: resumes from the last id, says at once when it is lost, never gives up. */

import { backoffMs } from "@/lib/backoff";
import type { FeedBatch, FeedItem } from "@/lib/model";
import { steadyNow } from "@/lib/time";

import type { Action } from "./reduce";

const RECONNECT_LIMIT_MS = 2_000;
/** The server speaks every 5 s; silence of this length is a lost connection, whatever the socket says. */
export const SILENCE_MS = 12_000;
/** A hello comes at once, unless the event bus is away. */
const HELLO_MS = 1_000;
const PING_MS = 5_000;
const CLOSE_LOGIN = 4401;

export interface FeedOptions {
  readonly url: (lastId: string | null) => string;
  readonly lastId: () => string | null;
  readonly dispatch: (action: Action) => void;
  /**
   * Joined (again): the moment to read what the feed does not carry. What is read earlier may be older than the first
   * thing that the feed tells. Where the server cannot join us yet, it is said after a moment, and again at the hello.
   */
  readonly onJoined: () => void;
  readonly onLoginRequired: () => void;
  readonly now?: () => number;
}

export class Feed {
  private socket: WebSocket | null = null;
  private attempt = 0;
  private heardAt = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private patience: ReturnType<typeof setTimeout> | undefined;
  private beat: ReturnType<typeof setInterval> | undefined;
  private readonly now: () => number;

  constructor(private readonly options: FeedOptions) {
    this.now = options.now ?? steadyNow;
  }

  start(): void {
    this.connect();
    this.beat = setInterval(() => this.watch(), PING_MS / 5);
  }

  stop(): void {
    clearTimeout(this.retry);
    clearTimeout(this.patience);
    clearInterval(this.beat);
    this.drop();
  }

  private connect(): void {
    const socket = new WebSocket(this.options.url(this.options.lastId()));
    this.socket = socket;
    this.heardAt = this.now();
    socket.onopen = () => {
      this.attempt = 0;
      this.heardAt = this.now();
      this.options.dispatch({ do: "opened" });
      this.ping();
      this.patience = setTimeout(() => this.options.onJoined(), HELLO_MS);
    };
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      this.heardAt = this.now();
      const message = parse(data);
      this.options.dispatch(message === null ? { do: "trouble" } : { do: "batch", batch: message, at: this.heardAt });
      if (message?.items.some(({ type }) => type === "hello")) {
        clearTimeout(this.patience);
        this.options.onJoined();
      }
    };
    socket.onclose = ({ code }) => this.lost(code);
  }

  private lost(code: number): void {
    clearTimeout(this.patience);
    this.socket = null;
    if (code === CLOSE_LOGIN) {
      this.options.onLoginRequired();
      return;
    }
    this.attempt += 1;
    this.options.dispatch({ do: "lost", at: this.now(), attempt: this.attempt });
    this.retry = setTimeout(() => this.connect(), backoffMs(this.attempt, RECONNECT_LIMIT_MS));
  }

  private drop(): void {
    if (this.socket === null) return;
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
    this.socket = null;
  }

  private lastPing = 0;

  private ping(): void {
    this.lastPing = this.now();
    this.socket?.send(JSON.stringify({ type: "ping", t: this.lastPing }));
  }

  private watch(): void {
    if (this.socket === null) return;
    if (this.now() - this.heardAt > SILENCE_MS) {
      this.drop();
      this.lost(1006);
    } else if (this.socket.readyState === WebSocket.OPEN && this.now() - this.lastPing >= PING_MS) {
      this.ping();
    }
  }
}

/** A batch, or a lone item (the answer to a ping) as a batch of one; null for what is neither. */
export function parse(data: string): FeedBatch | null {
  let message: unknown;
  try {
    message = JSON.parse(data);
  } catch {
    return null; // counted by the caller
  }
  if (typeof message !== "object" || message === null || !("type" in message)) return null;
  if (message.type !== "batch") return { last_id: null, items: [message as FeedItem] };
  return "items" in message && Array.isArray(message.items) && "last_id" in message ? (message as FeedBatch) : null;
}
