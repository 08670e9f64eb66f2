/** A SourceBuffer fed in order: one operation at a time, the rest waits here. */

import { trimmable, type Range } from "./liveEdge";

type Operation =
  | { readonly do: "init"; readonly mime: string; readonly data: ArrayBuffer }
  | { readonly do: "append"; readonly data: ArrayBuffer };

/** Fragments that wait while the page cannot append; more means that this browser does not keep up. */
const QUEUE_LIMIT = 250;

/** What this browser will never play: opening it again changes nothing. */
export const UNPLAYABLE = "codec";

export class Appender {
  private buffer: SourceBuffer | null = null;
  private mime = "";
  private offset = 0;
  private queue: Operation[] = [];
  private readonly url: string;
  private readonly source = new MediaSource();

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly onFault: (word: string) => void,
    private readonly onBuffered: () => void,
    /** So many fragments were left out because the queue was full. */
    private readonly onDropped: (fragments: number) => void,
  ) {
    this.url = URL.createObjectURL(this.source);
    video.src = this.url;
    this.source.addEventListener("sourceopen", () => this.drain());
    video.addEventListener("error", this.onVideoError);
  }

  init(mime: string, data: ArrayBuffer): void {
    if (!MediaSource.isTypeSupported(mime)) {
      this.onFault(UNPLAYABLE);
      return;
    }
    this.queue.push({ do: "init", mime, data });
    this.drain();
  }

  /** Of what is appended from now on `mediaTime` is the element's 0. */
  begin(mediaTime: number): void {
    this.offset = -mediaTime;
  }

  append(data: ArrayBuffer): void {
    if (this.queue.length >= QUEUE_LIMIT) {
      const waiting = this.queue.filter((operation) => operation.do === "init");
      this.onDropped(this.queue.length - waiting.length);
      this.queue = waiting;
      this.onFault("slow");
    }
    this.queue.push({ do: "append", data });
    this.drain();
  }

  ranges(): Range[] {
    const buffered = this.video.buffered;
    return Array.from({ length: buffered.length }, (_, i): Range => [buffered.start(i), buffered.end(i)]);
  }

  close(): void {
    this.queue = [];
    this.video.removeEventListener("error", this.onVideoError);
    this.video.removeAttribute("src");
    this.video.load();
    URL.revokeObjectURL(this.url);
  }

  private readonly onVideoError = (): void => this.onFault("decoder");

  private drain(): void {
    if (this.source.readyState !== "open" || this.buffer?.updating) return;
    const operation = this.next();
    if (operation === undefined) return;
    try {
      const buffer = operation.do === "init" ? this.bufferFor(operation.mime) : this.buffer;
      if (buffer === null) return this.drain(); // a frame before its parameters cannot be shown
      if (operation.do === "append" && buffer.timestampOffset !== this.offset) buffer.timestampOffset = this.offset;
      buffer.appendBuffer(operation.data);
    } catch (error) {
      this.refused(operation, error);
    }
  }

  /** All fragments that wait are appended at once: a whole GOP takes hardly longer than one picture. */
  private next(): Operation | undefined {
    const first = this.queue.shift();
    if (first?.do !== "append" || this.queue[0]?.do !== "append") return first;
    const until = this.queue.findIndex((operation) => operation.do !== "append");
    const rest = this.queue.splice(0, until < 0 ? this.queue.length : until);
    return { do: "append", data: joined([first, ...rest].map(({ data }) => data)) };
  }

  private bufferFor(mime: string): SourceBuffer {
    if (this.buffer === null) {
      this.buffer = this.source.addSourceBuffer(mime);
      this.buffer.mode = "segments";
      this.buffer.addEventListener("updateend", () => {
        this.onBuffered();
        this.trim();
        this.drain();
      });
    } else if (mime !== this.mime) {
      this.buffer.changeType(mime);
    }
    this.mime = mime;
    return this.buffer;
  }

  private trim(): void {
    const stretch = trimmable(this.ranges(), this.video.currentTime);
    if (stretch !== null && this.buffer !== null && !this.buffer.updating) this.buffer.remove(stretch[0], stretch[1]);
  }

  private refused(operation: Operation, error: unknown): void {
    if (error instanceof DOMException && error.name === "QuotaExceededError" && this.buffer !== null) {
      this.queue.unshift(operation);
      this.buffer.remove(0, Math.max(0.1, this.video.currentTime - 1));
      return;
    }
    this.onFault("decoder");
  }
}

function joined(parts: readonly ArrayBuffer[]): ArrayBuffer {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(new Uint8Array(part), at);
    at += part.byteLength;
  }
  return whole.buffer;
}
