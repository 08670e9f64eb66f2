/** Pause before attempt `n` (1, 2, …), milliseconds: 200, 400, 800, … up to `limitMs`, less up to a quarter of jitter. */
export function backoffMs(n: number, limitMs: number, random: () => number = Math.random): number {
  const pause = Math.min(limitMs, 200 * 2 ** Math.min(n - 1, 16));
  return pause * (1 - random() / 4);
}
