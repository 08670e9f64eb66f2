/** Playing what is past: pieces of a recording, or of what this page kept, on one timeline of the time of capture. */

import type { Range } from "./liveEdge";

/** Parts that belong together: an init segment, then fragments. Times are UTC epoch seconds. */
export interface Piece {
  readonly mime: string;
  readonly data: readonly ArrayBuffer[];
  /** Time of capture at media time 0. */
  readonly offsetS: number;
  readonly beginsAtS: number;
  readonly endsAtS: number;
}

/** Where pieces come from. `piece` gives the one that contains `fromS`, else the next after it, else null. */
export interface Source {
  readonly piece: (fromS: number, signal: AbortSignal) => Promise<Piece | null>;
}

export type PlaybackState = "loading" | "playing" | "paused" | "ended" | "empty" | "failed";

export const SPEEDS = [1, 2, 4, 8] as const;
/** Ahead of the picture so much is fetched, seconds of playing: less at ×8 would run dry. */
const AHEAD_S = 6;
/** Pictures further back than this are let go: the browser's buffer is small. */
const KEEP_BEHIND_S = 60;
/** Two ranges that are closer than this are one: rounding, and a frame that is missing. */
const SEAM_S = 0.5;
const USUAL_FRAME_S = 1 / 25;
const TICK_MS = 200;

/** The range that holds `at`, or that begins within a seam after it. */
export function rangeAt(ranges: readonly Range[], at: number): Range | null {
  return ranges.find(([start, end]) => at >= start - SEAM_S && at < end) ?? null;
}

export interface PlaybackOptions {
  readonly video: HTMLVideoElement;
  readonly source: Source;
  /** Time of capture of the picture on the glass changed, or the state. */
  readonly onChange: () => void;
}

/** Shows `source` in `video`. The media timeline is the time of capture less `base`. */
export class Playback {
  state: PlaybackState = "loading";
  /** What made it fail. */
  failure: unknown = null;
  /** Time of capture of the picture on the glass; UTC epoch ms, null before the first. */
  captureMs: number | null = null;
  private readonly media = new MediaSource();
  private readonly url = URL.createObjectURL(this.media);
  private readonly base: number;
  private buffer: SourceBuffer | null = null;
  private mime = "";
  private waiting: ArrayBuffer[] = [];
  private next: Piece | null = null;
  /** Fetched without a break up to here, UTC epoch s. */
  private reached: number;
  private loading: AbortController | null = null;
  private wanted: number;
  private landed = false;
  private paused = false;
  private atEnd = false;
  /** The shortest time between two pictures that was seen; null before the second. */
  private frameS: number | null = null;
  private frameHandle = 0;
  private readonly timer: ReturnType<typeof setInterval>;

  /** Begins to play at `fromS`, UTC epoch s; nothing earlier than a day before it can be reached. */
  constructor(
    private readonly options: PlaybackOptions,
    fromS: number,
  ) {
    this.base = Math.floor(fromS) - 2 * 86_400;
    this.wanted = this.reached = fromS;
    options.video.src = this.url;
    this.media.addEventListener("sourceopen", () => this.tend(), { once: true });
    options.video.addEventListener("error", this.onError);
    this.frameHandle = options.video.requestVideoFrameCallback(this.onFrame);
    this.timer = setInterval(() => this.tend(), TICK_MS);
  }

  get rate(): number {
    return this.options.video.playbackRate;
  }

  set rate(rate: number) {
    this.options.video.defaultPlaybackRate = rate;
    this.options.video.playbackRate = rate;
    this.options.onChange();
  }

  /** Where it stands: the picture on the glass, or the one that is being fetched; UTC epoch s. */
  get at(): number {
    return this.landed ? this.base + this.options.video.currentTime : this.wanted;
  }

  play(): void {
    this.paused = false;
    this.tend();
  }

  pause(): void {
    this.paused = true;
    this.options.video.pause();
    this.say("paused");
  }

  seek(toS: number): void {
    this.loading?.abort();
    this.loading = null;
    this.waiting = [];
    this.next = null;
    this.wanted = Math.max(this.base, toS);
    this.atEnd = false;
    this.failure = null;
    const here = rangeAt(this.ranges(), this.wanted - this.base);
    this.reached = here === null ? this.wanted : this.base + here[1];
    this.landed = here !== null;
    if (this.landed) this.options.video.currentTime = this.wanted - this.base;
    else this.say("loading");
    this.tend();
  }

  /** One picture on or back; stands still afterwards. */
  step(direction: 1 | -1): void {
    this.pause();
    // Into the middle of the picture, so that rounding shows neither its neighbour nor the same again.
    const shown = this.captureMs === null ? this.at : this.captureMs / 1000;
    this.seek(shown + (direction + 0.5) * (this.frameS ?? USUAL_FRAME_S));
  }

  close(): void {
    clearInterval(this.timer);
    this.loading?.abort();
    const { video } = this.options;
    video.cancelVideoFrameCallback(this.frameHandle);
    video.removeEventListener("error", this.onError);
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(this.url);
  }

  private readonly onError = (): void => this.fail(this.options.video.error);

  private readonly onFrame = (_now: number, { mediaTime }: VideoFrameCallbackMetadata): void => {
    this.frameHandle = this.options.video.requestVideoFrameCallback(this.onFrame);
    const before = this.captureMs;
    this.captureMs = (this.base + mediaTime) * 1000;
    const passed = before === null ? 0 : (this.captureMs - before) / 1000;
    if (!this.paused && passed > 0.005 && passed < 0.5) this.frameS = Math.min(passed, this.frameS ?? passed);
    this.options.onChange();
  };

  private ranges(): Range[] {
    const { buffered } = this.options.video;
    return Array.from({ length: buffered.length }, (_, i): Range => [buffered.start(i), buffered.end(i)]);
  }

  private say(state: PlaybackState): void {
    if (state === this.state) return;
    this.state = state;
    this.options.onChange();
  }

  private fail(cause: unknown): void {
    this.failure = cause;
    this.loading?.abort();
    this.loading = null;
    this.say("failed");
  }

  /** Does what is due: append, land, fetch ahead, play, pass a gap. Called at every tick and whenever something ends. */
  private tend(): void {
    if (this.media.readyState !== "open" || this.buffer?.updating || this.failure !== null) return;
    const part = this.waiting.shift();
    if (part !== undefined) return this.append(part);
    if (this.next !== null) return this.begin(this.next);
    const { video } = this.options;
    const ranges = this.ranges();
    const at = this.landed ? video.currentTime : this.wanted - this.base;
    const here = rangeAt(ranges, at);
    if (!this.landed && here !== null) this.land(Math.max(at, here[0]));
    if (this.reached - this.base - at < AHEAD_S * this.rate && !this.atEnd) void this.fetch();
    if (!this.landed) return;
    if (here !== null && here[1] - at > 0.05) this.goOn();
    else this.passGap(ranges, at);
    this.trim(at);
  }

  private land(at: number): void {
    this.landed = true;
    this.options.video.currentTime = at;
  }

  private goOn(): void {
    if (this.paused) return this.say("paused");
    // Refused only while the element is torn down; the next tick tries again.
    if (this.options.video.paused) this.options.video.play().catch(() => this.say("paused"));
    this.say("playing");
  }

  /** Nothing follows here: what comes next is beyond a gap, still on its way, or not there at all. */
  private passGap(ranges: readonly Range[], at: number): void {
    const beyond = ranges.find(([start]) => start > at && this.base + start < this.reached);
    if (beyond !== undefined) this.options.video.currentTime = beyond[0] + 0.01;
    else if (this.loading === null && this.atEnd) this.say("ended");
    else this.say(this.paused ? "paused" : "loading");
  }

  private trim(at: number): void {
    const first = this.ranges()[0];
    if (first !== undefined && this.buffer?.updating === false && at - first[0] > KEEP_BEHIND_S + 20) this.buffer.remove(first[0], at - KEEP_BEHIND_S);
  }

  private async fetch(): Promise<void> {
    if (this.loading !== null) return;
    const asked = new AbortController();
    this.loading = asked;
    try {
      const piece = await this.options.source.piece(this.reached, asked.signal);
      if (asked.signal.aborted) return;
      this.loading = null;
      if (piece === null || piece.endsAtS <= this.reached) this.end();
      else this.next = piece;
      this.tend();
    } catch (error) {
      if (!asked.signal.aborted) this.fail(error);
    }
  }

  private end(): void {
    this.atEnd = true;
    if (!this.landed) this.say("empty");
  }

  private begin(piece: Piece): void {
    this.next = null;
    if (!MediaSource.isTypeSupported(piece.mime)) return this.fail(new UnplayableError(piece.mime));
    if (this.buffer === null) {
      this.buffer = this.media.addSourceBuffer(piece.mime);
      this.buffer.mode = "segments";
      this.buffer.addEventListener("updateend", () => this.tend());
    } else if (piece.mime !== this.mime) {
      this.buffer.changeType(piece.mime);
    }
    this.mime = piece.mime;
    this.buffer.timestampOffset = piece.offsetS - this.base;
    this.waiting = [...piece.data];
    this.reached = piece.endsAtS;
    // Nothing is there at the wanted time: the next that is recorded is where it goes on.
    if (!this.landed && piece.beginsAtS > this.wanted) this.wanted = piece.beginsAtS;
    this.tend();
  }

  private append(data: ArrayBuffer): void {
    try {
      this.buffer?.appendBuffer(data);
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "QuotaExceededError" || this.buffer === null) return this.fail(error);
      this.waiting.unshift(data);
      this.buffer.remove(0, Math.max(0.1, this.options.video.currentTime - 2));
    }
  }
}

/** This browser cannot decode what was recorded. */
export class UnplayableError extends Error {
  override readonly name = "UnplayableError";
}
