/** How playback stays at the live edge: pure decisions over buffered ranges, seconds of media time. */

export type Range = readonly [start: number, end: number];

export type Move =
  | { readonly do: "nothing" }
  | { readonly do: "rate"; readonly rate: number }
  | { readonly do: "seek"; readonly to: number };

/** Further behind than this, catching up would take too long: jump. */
export const SEEK_BEHIND_S = 0.8;
/** Where a jump lands, behind the newest frame: room for the browser to start playing. */
export const EDGE_MARGIN_S = 0.12;
const CATCH_UP_BEHIND_S = 0.3;
const HURRY_BEHIND_S = 0.5;
export const KEEP_BEHIND_S = 10;

export function follow(ranges: readonly Range[], current: number, rate: number): Move {
  const last = ranges[ranges.length - 1];
  if (last === undefined) return { do: "nothing" };
  const [start, end] = last;
  const edge = Math.max(start, end - EDGE_MARGIN_S);
  if (current < start || current > end + SEEK_BEHIND_S) return { do: "seek", to: edge };
  const behind = end - current;
  if (behind > SEEK_BEHIND_S) return { do: "seek", to: edge };
  const wanted = behind > HURRY_BEHIND_S ? 1.2 : behind > CATCH_UP_BEHIND_S ? 1.08 : 1;
  return wanted === rate ? { do: "nothing" } : { do: "rate", rate: wanted };
}

/** The stretch to remove, or null: called rarely, so that trimming does not compete with appending. */
export function trimmable(ranges: readonly Range[], current: number): Range | null {
  const first = ranges[0];
  if (first === undefined) return null;
  const until = current - KEEP_BEHIND_S;
  return until - first[0] > KEEP_BEHIND_S / 2 ? [first[0], until] : null;
}
