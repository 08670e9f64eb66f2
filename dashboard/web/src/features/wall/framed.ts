/** Which tiles an alarm frames. Pure. */

import { inOrder } from "@/lib/feed/order";
import type { AlarmRow } from "@/lib/feed/reduce";
import { ofCamera } from "@/lib/model";

/** An alarm frames its tile until it is acknowledged, at most this long: the list holds it after that. */
const FRAME_MS = 60_000;

/** By camera, the most urgent alarm that nobody has acknowledged yet. */
export function framed(rows: Iterable<AlarmRow>, nowMs: number): ReadonlyMap<string, AlarmRow> {
  const since = (nowMs - FRAME_MS) / 1000;
  const found = new Map<string, AlarmRow>();
  for (const row of inOrder(rows)) {
    if (row.state === "new" && row.occurred_at >= since && !ofCamera(row) && !found.has(row.camera_id)) found.set(row.camera_id, row);
  }
  return found;
}
