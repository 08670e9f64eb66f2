/** How playback stays at the live edge: pure decisions over buffered ranges, seconds of media time. */

export type Range = readonly [start: number, end: number];

export type Move =
  | { readonly do: "nothing" }
  | { readonly do: "rate"; readonly rate: number }
  | { readonly do: "seek"; readonly to: number };

/** What is kept buffered as long as nothing is known of how evenly pictures arrive. */
export const USUAL_BEHIND_S = 0.2;
const MOST_BEHIND_S = 0.6;
/** Room beyond a picture and the jitter, for the browser to append and decode. */
const MARGIN_S = 0.06;
/** Further beyond what is wanted than this, catching up would take too long: jump. */
export const SEEK_BEYOND_S = 0.6;
const HURRY_BEYOND_S = 0.25;
/** Having caught up means to be a little below: else the rate would change with every picture. */
const CAUGHT_UP_S = 0.05;
export const KEEP_BEHIND_S = 10;

/** A key frame so far behind the newest picture is shown at once; one of a longer GOP would be marked as late. */
export const FIRST_BEHIND_S = 2.2;

/** `wanted`: how far behind the newest picture's end playback shall stand right after it was buffered. */
export function follow(ranges: readonly Range[], current: number, rate: number, wanted: number): Move {
  const last = ranges[ranges.length - 1];
  if (last === undefined) return { do: "nothing" };
  const [start, end] = last;
  const beyond = end - current - wanted;
  if (current < start || current > end + SEEK_BEYOND_S || beyond > SEEK_BEYOND_S) return { do: "seek", to: Math.max(start, end - wanted + CAUGHT_UP_S) };
  const calm = rate > 1 && beyond > -CAUGHT_UP_S ? 1.08 : 1;
  const next = beyond > HURRY_BEYOND_S ? 1.2 : beyond > 0 ? 1.08 : calm;
  return next === rate ? { do: "nothing" } : { do: "rate", rate: next };
}

const WINDOW_S = 4;
/** The share of pictures that shall come in time: for the latest few all others would have to be older. */
const PUNCTUAL = 0.9;
/** The first pictures come as a whole GOP at once: that is no jitter. */
const GREETING_S = 0.5;

/** How evenly pictures arrive, and so how far behind the newest one playback must stay in order not to stand still. */
export class Arrivals {
  private recent: { readonly at: number; readonly delay: number }[] = [];
  private newest: number | null = null;
  private interval = 0;
  private began: number | null = null;

  /** A picture of `mediaTime` came `at`; both seconds, on clocks of their own. */
  add(mediaTime: number, at: number): void {
    this.began ??= at;
    const step = this.newest === null ? 0 : mediaTime - this.newest;
    this.newest = mediaTime;
    if (step < 0 || step > 1) this.recent = []; // the timeline goes on elsewhere
    else if (step > 0) this.interval = step;
    if (at - this.began < GREETING_S) return;
    this.recent.push({ at, delay: at - mediaTime });
    while (this.recent[0] !== undefined && this.recent[0].at < at - WINDOW_S) this.recent.shift();
  }

  /** See {@link follow}. */
  get wanted(): number {
    if (this.recent.length < 2) return USUAL_BEHIND_S;
    const delays = this.recent.map(({ delay }) => delay).sort((a, b) => a - b);
    const late = delays[Math.floor(PUNCTUAL * (delays.length - 1))] ?? 0;
    return Math.min(MOST_BEHIND_S, this.interval + late - (delays[0] ?? 0) + MARGIN_S);
  }
}

/** The stretch to remove, or null: called rarely, so that trimming does not compete with appending. */
export function trimmable(ranges: readonly Range[], current: number): Range | null {
  const first = ranges[0];
  if (first === undefined) return null;
  const until = current - KEEP_BEHIND_S;
  return until - first[0] > KEEP_BEHIND_S / 2 ? [first[0], until] : null;
}
