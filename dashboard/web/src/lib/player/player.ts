/** One tile's stream: the live channel's websocket into a video element, with what is known about its pictures. */

import { backoffMs } from "@/lib/backoff";
import type { InitMessage, LiveMessage, StateMessage } from "@/lib/model";

import { Appender, UNPLAYABLE } from "./appender";
import { HIDDEN, type Signals } from "./freshness";
import type { Lines } from "./lines";
import { Arrivals, FIRST_BEHIND_S, follow } from "./liveEdge";
import { pieces } from "./pieces";
import { parsePrft } from "./prft";
import type { Recent } from "./recent";
import { Timeline } from "./timeline";

const RECONNECT_LIMIT_MS = 2_000;
/** The server knows no such camera: asking again changes nothing until the settings do. */
const CLOSE_UNKNOWN = 4404;
const CLOSE_FORBIDDEN = 4403;
const PATIENT_RETRY_MS = 30_000;
/** A stream that arrives and does not reach the glass for this long is started anew. */
const RESTART_AFTER_MS = 4_000;
/** A line that says nothing for so long is given up, opened or not: the server speaks every second. */
const RECONNECT_AFTER_MS = 4_000;
/** A decoder that is no longer needed is given back so long after. */
const CLOSE_AFTER_MS = 1_000;
/** A key frame that is shown for the sake of speed plays on for so long before what is new takes over. */
const FIRST_STANDS_MS = 300;
/** Ticks further apart than this: the page stood still, and knows nothing of what happened meanwhile. */
const HUNG_MS = 1_000;

export interface PlayerOptions {
  /** Shared by all players of the page. */
  readonly lines: Lines;
  readonly cameraId: string;
  readonly stream: "sub" | "main";
  readonly video: HTMLVideoElement;
  /** Where the server's own pictures go to, should this browser not decode the stream. */
  readonly pictures: HTMLCanvasElement;
  /** Shows the key frame first and then what is new: for a tile whose camera nobody sees yet. */
  readonly instant: boolean;
  /** Keeps the last half minute as it comes. */
  readonly recent: Recent;
  /** A new picture stands on the glass; `mediaTime` in seconds. */
  readonly onFrame: (mediaTime: number) => void;
  /** Something in `signals()` changed. */
  readonly onChange: () => void;
}

export class Player {
  readonly timeline = new Timeline();
  width = 0;
  height = 0;
  /** RFC 6381; empty until the first init message. */
  codec = "";
  /** Frames left out because this page was too slow, by the server or here. */
  skipped = 0;
  /** Shown are pictures that the server decodes, a few a second: this browser cannot. */
  stills = false;
  /** When the camera's present fault was told first, server's clock, epoch ms; null without one. */
  faultSinceMs: number | null = null;
  private leaveLine: ((doubted?: boolean) => void) | null = null;
  private appender: Appender | null = null;
  private arrivals = new Arrivals();
  private pendingInit: InitMessage | null = null;
  private state: StateMessage | null = null;
  private glassAt: number | null = null;
  private fragmentAt: number | null = null;
  private heardAt: number | null = null;
  private hungAt: number | null = null;
  private tickedAt: number | null = null;
  private askedAt = 0;
  private mediaTime = -1;
  private browserFault: string | null = null;
  private attempt = 0;
  private status: Signals["socket"] = "connecting";
  private retry: ReturnType<typeof setTimeout> | undefined;
  private frameHandle = 0;
  private startedAt = performance.now();
  private wanted = false;
  /** When the stream's first picture came onto the glass. */
  private firstAt: number | null = null;
  /** The media time at which the element's own begins; null until pictures come. */
  private begin: number | null = null;
  /** What comes next has a timeline of its own: another connection, or another worker behind the same one. */
  private newTimeline = false;

  constructor(private readonly options: PlayerOptions) {}

  get camera(): StateMessage | null {
    return this.state;
  }

  signals(): Signals {
    return {
      glassAt: this.glassAt,
      fragmentAt: this.fragmentAt,
      heardAt: this.heardAt,
      hungAt: this.hungAt,
      socket: this.status,
      socketAttempt: this.attempt,
      browserFault: this.browserFault,
      camera: this.state,
      startedAt: this.startedAt,
    };
  }

  start(): void {
    if (this.wanted) return;
    this.wanted = true;
    this.stills ||= typeof MediaSource === "undefined";
    this.startedAt = performance.now();
    this.browserFault = null;
    this.tickedAt = null;
    this.connect();
    this.watchGlass();
  }

  /** The page goes to the background: ends the stream and keeps the last picture, marked, until it is taken up again. */
  pause(): void {
    this.stop();
    this.blame(HIDDEN);
  }

  /** Another camera is about to take the place: what the browser can do is that one's. `start` takes it up again. */
  yield(): void {
    this.stop();
    this.options.video.pause();
  }

  private stop(): void {
    this.wanted = false;
    clearTimeout(this.retry);
    this.dropLine();
    this.options.video.cancelVideoFrameCallback?.(this.frameHandle);
  }

  close(): void {
    this.stop();
    const { appender } = this;
    this.appender = null;
    // Nobody sees it any more, and what takes its place has the browser first.
    setTimeout(() => appender?.close(), CLOSE_AFTER_MS);
  }

  /** Called at every tick of the page: keeps to the live edge, and starts anew what arrives without being shown. */
  tick(now: number): void {
    if (!this.wanted) return;
    this.stayAtEdge();
    const late = this.tickedAt !== null && now - this.tickedAt > HUNG_MS;
    this.tickedAt = now;
    if (late) this.hungAt = now;
    if (this.hungAt !== null && now - this.hungAt < HUNG_MS) return; // what came meanwhile may still be in the queue
    if (this.status !== "closed" && now - Math.max(this.heardAt ?? 0, this.askedAt) > RECONNECT_AFTER_MS) return this.reconnect(true);
    const arriving = this.fragmentAt !== null && now - this.fragmentAt < 1_000;
    const shownAt = Math.max(this.glassAt ?? 0, this.startedAt);
    if (this.status === "open" && arriving && now - shownAt > RESTART_AFTER_MS) this.restart("decoder");
  }

  private connect(): void {
    this.status = "connecting";
    this.askedAt = performance.now();
    const { lines, cameraId, stream } = this.options;
    this.leaveLine = lines.watch(
      { cameraId, stream, form: this.stills ? "pictures" : "live" },
      {
        onAsked: () => (this.askedAt = performance.now()),
        onOpen: () => {
          this.status = "open";
          this.heardAt = performance.now();
          this.options.onChange();
        },
        onMessage: (data) => this.onMessage(data),
        onClose: (code) => this.onClosed(code),
      },
    );
    // Opened while the server is asked: it is ready when the first picture comes.
    if (!this.stills) this.appender ??= this.newAppender();
    this.options.onChange();
  }

  private onMessage(data: string | ArrayBuffer): void {
    this.heardAt = performance.now();
    try {
      if (typeof data === "string") this.onText(JSON.parse(data) as LiveMessage);
      else this.onBinary(data);
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
      this.restart("stream");
    }
  }

  /** `doubted`: the connection itself is given up, too. */
  private dropLine(doubted = false): void {
    if (this.leaveLine === null) return;
    this.leaveLine(doubted);
    this.leaveLine = null;
    this.pendingInit = null;
    this.status = "closed";
    this.newTimeline = true;
  }

  private onClosed(code: number): void {
    this.leaveLine = null;
    this.status = "closed";
    this.pendingInit = null;
    this.newTimeline = true;
    this.attempt += 1;
    if (code === CLOSE_UNKNOWN) this.browserFault = "unknown";
    if (code === CLOSE_FORBIDDEN) this.browserFault = "forbidden";
    const final = code === CLOSE_UNKNOWN || code === CLOSE_FORBIDDEN;
    this.retry = setTimeout(() => this.connect(), final ? PATIENT_RETRY_MS : backoffMs(this.attempt, RECONNECT_LIMIT_MS));
    this.options.onChange();
  }

  private onText(message: LiveMessage): void {
    if (message.type === "state") {
      if (message.fault !== (this.state?.fault ?? null)) this.faultSinceMs = message.fault === null ? null : message.at * 1000;
      this.state = message;
      if (message.worker === false) this.newTimeline = true;
      this.options.onChange();
    } else if (message.type === "init") {
      this.pendingInit = this.stills ? null : message;
      this.codec = message.codec;
      if (message.width > 0 && message.height > 0) {
        this.width = message.width;
        this.height = message.height;
      }
    } else if (message.type === "overlay") {
      this.timeline.addOverlay(message);
    } else if (message.type === "skipped") {
      this.skipped += message.frames;
    }
  }

  private onBinary(data: ArrayBuffer): void {
    if (this.stills) return this.onPicture(data);
    const found = pieces(data);
    if (this.pendingInit === null && this.begin === null && this.appender !== null) {
      this.begin = this.beginOf(found);
      this.appender.begin(this.begin);
    }
    for (const piece of found) this.onPiece(piece);
  }

  private onPiece(data: ArrayBuffer): void {
    const init = this.pendingInit;
    if (init !== null) {
      this.pendingInit = null;
      if (this.newTimeline) this.freshSource();
      this.appender ??= this.newAppender();
      this.appender.init(init.mime, data);
      this.options.recent.init(init.mime, data);
      return;
    }
    if (this.appender === null) return; // the server sends parameters before pictures; without them there is nothing to show
    this.fragmentAt = performance.now();
    const reference = parsePrft(data);
    if (reference !== null) {
      this.timeline.addReference(reference);
      this.arrivals.add(reference.mediaTime, this.fragmentAt / 1000);
    }
    this.appender.append(data);
    this.options.recent.add(data, reference);
  }

  private newAppender(): Appender {
    return new Appender(
      this.options.video,
      (word) => this.onAppenderFault(word),
      () => this.stayAtEdge(),
      (fragments) => (this.skipped += fragments),
    );
  }

  private onAppenderFault(word: string): void {
    if (word === UNPLAYABLE) this.takePictures();
    else if (word === "decoder") this.restart(word);
    else this.blame(word);
  }

  private takePictures(): void {
    this.stills = true;
    this.appender?.close();
    this.appender = null;
    this.dropLine();
    this.connect();
  }

  /** Time of capture (UTC epoch s, big-endian double), then a JPEG. Throws `RangeError` on less. */
  private onPicture(data: ArrayBuffer): void {
    const capturedAt = new DataView(data).getFloat64(0);
    this.fragmentAt = performance.now();
    createImageBitmap(new Blob([new Uint8Array(data, 8)], { type: "image/jpeg" })).then(
      (picture) => this.showPicture(picture, capturedAt),
      () => this.blame("decoder"),
    );
  }

  /** The media time of such pictures is their time of capture. */
  private showPicture(picture: ImageBitmap, capturedAt: number): void {
    const { pictures: canvas } = this.options;
    if (this.wanted && capturedAt > this.mediaTime) {
      if (canvas.width !== picture.width || canvas.height !== picture.height) Object.assign(canvas, { width: picture.width, height: picture.height });
      canvas.getContext("2d")?.drawImage(picture, 0, 0);
      this.timeline.addReference({ captureMs: capturedAt * 1000, mediaTime: capturedAt });
      this.onGlass(capturedAt);
    }
    picture.close();
  }

  private freshSource(): void {
    this.newTimeline = false;
    this.appender?.close();
    this.appender = null;
    this.begin = null;
    this.timeline.clear();
    this.arrivals = new Arrivals();
    this.mediaTime = -1;
  }

  private blame(word: string): void {
    this.browserFault = word;
    this.options.onChange();
  }

  private restart(word: string): void {
    this.blame(word);
    this.reconnect(false);
  }

  private reconnect(doubted: boolean): void {
    this.dropLine(doubted);
    clearTimeout(this.retry);
    this.attempt += 1;
    this.startedAt = performance.now();
    this.retry = setTimeout(() => this.connect(), backoffMs(this.attempt, RECONNECT_LIMIT_MS));
  }

  private stayAtEdge(): void {
    if (this.appender === null) return;
    const { video } = this.options;
    if (this.beginning()) return;
    const move = follow(this.appender.ranges(), video.currentTime, video.playbackRate, this.arrivals.wanted);
    // A jump that is under way decodes from the key frame on: another one would begin that anew, and so on without end.
    if (move.do === "seek" && !video.seeking) video.currentTime = move.to;
    else if (move.do === "rate") video.playbackRate = move.rate;
    // Refused only when the element is being torn down or paused by the browser; the next tick tries again and the
    // picture's age says what the operator must know.
    if (video.paused && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) video.play().catch(() => this.options.onChange());
  }

  /** Whether the first picture is on its way, or stands on the glass just now: other tiles have the browser first. */
  private beginning(): boolean {
    return this.begin !== null && this.begin > 0 && (this.firstAt === null || performance.now() - this.firstAt < FIRST_STANDS_MS);
  }

  /**
   * Where the element's own time begins. It starts at 0, so a stream whose key frame is put there needs no jump and costs
   * one picture's decoding instead of a GOP's.
   */
  private beginOf(fragments: readonly ArrayBuffer[]): number {
    const [oldest, newest] = [fragments[0], fragments[fragments.length - 1]];
    if (!this.options.instant || this.firstAt !== null || oldest === undefined || newest === undefined) return 0;
    const [from, to] = [parsePrft(oldest), parsePrft(newest)];
    return from !== null && to !== null && to.mediaTime - from.mediaTime <= FIRST_BEHIND_S ? from.mediaTime : 0;
  }

  private watchGlass(): void {
    const { video } = this.options;
    if (typeof video.requestVideoFrameCallback === "function") {
      const step = (_now: number, metadata: VideoFrameCallbackMetadata): void => {
        this.onGlass(metadata.mediaTime + (this.begin ?? 0));
        if (this.wanted) this.frameHandle = video.requestVideoFrameCallback(step);
      };
      this.frameHandle = video.requestVideoFrameCallback(step);
      return;
    }
    const step = (): void => {
      if (!this.wanted) return;
      if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) this.onGlass(video.currentTime + (this.begin ?? 0));
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  private onGlass(mediaTime: number): void {
    if (mediaTime === this.mediaTime) return;
    this.mediaTime = mediaTime;
    this.firstAt ??= performance.now();
    // A picture of which nobody knows how old it is makes no tile live.
    if (this.timeline.captureMs(mediaTime) !== null) this.glassAt = performance.now();
    this.browserFault = null;
    this.attempt = 0;
    this.options.onFrame(mediaTime);
  }
}
