/** The page's websockets for live pictures: kept open when a stream ends, for the stream that comes next. */

import { Gate } from "./gate";

/** What comes on a line; `n` is the line's business. */
export interface Wish {
  readonly cameraId: string;
  readonly stream: "sub" | "main";
  /** `pictures`: JPEGs that the server decodes. */
  readonly form: "live" | "pictures";
}

export interface Listener {
  /** The server is being asked now: until then others were before. */
  readonly onAsked: () => void;
  /** The server has heard the wish; its messages follow. */
  readonly onOpen: () => void;
  readonly onMessage: (data: string | ArrayBuffer) => void;
  /** The line is gone, with the close code of its socket. */
  readonly onClose: (code: number) => void;
}

/** As a browser says it of a broken socket. */
const BROKEN = 1006;
/** As many as the largest layout has tiles. */
const MOST_SPARE = 25;
/** New ones are opened when those that are used have their pictures. */
const REFILL_MS = 1_500;

class Line {
  private socket: WebSocket | null = null;
  private n = 0;
  private wish: Wish | null = null;
  private listener: Listener | null = null;
  private heard = false;
  private leaveGate: () => void;

  constructor(
    url: string,
    gate: Gate,
    private readonly onGone: (line: Line) => void,
  ) {
    this.leaveGate = gate.pass(() => {
      const socket = new WebSocket(url);
      socket.binaryType = "arraybuffer";
      socket.onopen = () => {
        this.leaveGate();
        if (this.wish !== null) this.ask();
      };
      socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => this.onMessage(data);
      socket.onclose = ({ code }) => this.end(code);
      this.socket = socket;
      this.listener?.onAsked();
    });
  }

  get open(): boolean {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  watch(wish: Wish, listener: Listener): void {
    this.wish = wish;
    this.listener = listener;
    this.n += 1;
    this.heard = false;
    if (this.open) this.ask();
  }

  /** Whoever listened hears no more of it. */
  leave(): void {
    this.listener = null;
    this.wish = null;
    this.n += 1;
    this.heard = false;
    if (this.open) this.say({ cameraId: null, stream: "sub", form: "live" });
  }

  close(): void {
    this.listener = null;
    if (this.socket !== null) {
      this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
      this.socket.close();
    }
    this.end(BROKEN);
  }

  private ask(): void {
    if (this.wish === null) return;
    this.say(this.wish);
    this.listener?.onAsked();
  }

  private say({ cameraId, stream, form }: Omit<Wish, "cameraId"> & { readonly cameraId: string | null }): void {
    this.socket?.send(JSON.stringify({ type: "watch", n: this.n, camera_id: cameraId, stream, form }));
  }

  private onMessage(data: string | ArrayBuffer): void {
    if (this.heard) return this.listener?.onMessage(data);
    // Until the server has heard, what comes is still of the stream before.
    if (this.listener === null || typeof data !== "string") return;
    const message = JSON.parse(data) as { readonly type: string; readonly n?: number };
    if (message.type !== "watching" || message.n !== this.n) return;
    this.heard = true;
    this.listener?.onOpen();
  }

  private end(code: number): void {
    this.leaveGate();
    const { listener } = this;
    this.listener = null;
    this.socket = null;
    this.onGone(this);
    listener?.onClose(code);
  }
}

/**
 * Lines in use and spare ones, as many of these as of those: a whole wall can be changed without a new socket. A browser
 * connects sockets to one server one after the other (RFC 6455, section 4.1), half a second for sixteen.
 */
export class Lines {
  private readonly used = new Set<Line>();
  private spare: Line[] = [];
  private readonly gate = new Gate();
  private refill: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly url: string) {}

  /**
   * Shows `wish` to `listener` until what this gives back is called: with `true` where the line itself is doubted. A
   * connection that is lost without a word takes the spare ones along.
   */
  watch(wish: Wish, listener: Listener): (doubted?: boolean) => void {
    const line = this.spare.find((each) => each.open) ?? this.spare[0] ?? this.opened();
    this.spare = this.spare.filter((each) => each !== line);
    this.used.add(line);
    line.watch(wish, listener);
    clearTimeout(this.refill);
    this.refill = setTimeout(() => this.fill(), REFILL_MS);
    return (doubted = false) => {
      if (!this.used.delete(line)) return;
      if (doubted) this.dropSpare();
      if (doubted || this.spare.length >= MOST_SPARE) line.close();
      else {
        line.leave();
        this.spare.push(line);
      }
    };
  }

  /** Whoever was logged in is gone, and so are their lines. */
  close(): void {
    clearTimeout(this.refill);
    this.dropSpare();
  }

  private opened(): Line {
    const onGone = (line: Line): void => {
      this.used.delete(line);
      this.spare = this.spare.filter((each) => each !== line);
    };
    return new Line(this.url, this.gate, onGone);
  }

  private dropSpare(): void {
    for (const line of this.spare) line.close();
  }

  private fill(): void {
    while (this.spare.length < Math.min(this.used.size, MOST_SPARE)) this.spare.push(this.opened());
  }
}
