/** Times in the site's own zone, and durations that count up. Epoch values are milliseconds unless named `_s`. */

const formats = new Map<string, Intl.DateTimeFormat>();

function parts(ms: number, zone: string): Record<string, string> {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    formats.set(zone, format);
  }
  return Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
}

/**
 * The page's clock, epoch ms, as it stood when the page was loaded and evenly on from there: what somebody sets the
 * computer's clock to meanwhile makes no picture older or younger.
 */
export const steadyNow = (): number => performance.timeOrigin + performance.now();

/** 03:14:22 */
export function clock(ms: number, zone: string): string {
  const p = parts(ms, zone);
  return `${p["hour"]}:${p["minute"]}:${p["second"]}`;
}

/** 2026-11-23 */
export function day(ms: number, zone: string): string {
  const p = parts(ms, zone);
  return `${p["year"]}-${p["month"]}-${p["day"]}`;
}

/** 2026-11-23 03:14, as the history's filter takes it. */
export function minute(ms: number, zone: string): string {
  const p = parts(ms, zone);
  return `${p["year"]}-${p["month"]}-${p["day"]} ${p["hour"]}:${p["minute"]}`;
}

/** 03:14:22 today, 11-22 03:14:22 on another day: times of today carry no date. */
export function moment(ms: number, now: number, zone: string): string {
  return day(ms, zone) === day(now, zone) ? clock(ms, zone) : `${day(ms, zone).slice(5)} ${clock(ms, zone)}`;
}

/** `2026-11-23 03:14` in the zone → epoch milliseconds; null if it is no such time. */
export function parseMinute(text: string, zone: string): number | null {
  const match = /^(\d{4})-(\d{1,2})-(\d{1,2})[ T](\d{1,2}):(\d{2})$/.exec(text.trim());
  if (match === null) return null;
  const [year = 0, month = 0, date = 0, hour = 0, min = 0] = match.slice(1).map(Number);
  const asUtc = Date.UTC(year, month - 1, date, hour, min);
  // The zone's offset at that time; asked twice, since the first guess may lie on the other side of a clock change.
  let ms = asUtc;
  for (let i = 0; i < 2; i++) ms = asUtc - (wallAsUtc(ms, zone) - ms);
  const padded = [month, date, hour, min].map((n) => String(n).padStart(2, "0"));
  return minute(ms, zone) === `${year}-${padded[0]}-${padded[1]} ${padded[2]}:${padded[3]}` ? ms : null;
}

function wallAsUtc(ms: number, zone: string): number {
  const p = parts(ms, zone);
  return Date.UTC(Number(p["year"]), Number(p["month"]) - 1, Number(p["day"]), Number(p["hour"]), Number(p["minute"]), Number(p["second"]));
}

/** 0:13, 12:04, 1:02:03: counts up without a unit. */
export function elapsed(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number): string => String(n).padStart(2, "0");
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** The age of a picture: 0.2 s, 12 s, then 1:05. */
export function age(ms: number): string {
  if (ms < 9_950) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  return ms < 60_000 ? `${Math.floor(ms / 1000)} s` : elapsed(ms);
}
