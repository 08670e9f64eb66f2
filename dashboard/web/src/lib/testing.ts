/** Rows and cameras for tests. */

import type { CameraHealth, EventRow } from "./model";

export function row(id: string, change: Partial<EventRow> = {}): EventRow {
  return {
    v: 1, id, kind: "crowding", severity: "high", camera_id: "c1", site_id: "s1", region_id: "r1", rule_id: "rule", rule_name: "规则", place_id: "z", place_name: "步行街",
    occurred_at: 1_000, detected_at: 1_000.2, measured: 22, limit: 15, unit: "objects", lasted_s: null, lasted_limit_s: null, direction: null, fault: null, model_id: "m",
    objects: [{ track_id: 1, label: "person", score: 0.9, box: [0, 0, 1, 1] }], snapshot: null, stream_id: "1-0", repeats: 0, state: "new",
    version: 0, owner: null, owner_name: null, shelved_until: null, shelved_from: null, closing: null, returned_at: null, desk: null, priority: null, due_at: null, escalations: 0, flood: null,
    acknowledged_by: null, acknowledged_by_name: null, acknowledged_at: null, comment: null, snapshot_url: null, ...change,
  };
}

export function health(camera_id: string, change: Partial<CameraHealth> = {}): CameraHealth {
  return {
    v: 1, camera_id, worker_id: "w", at: 0, phase: "live", fault: null, since: 100, attempt: 0, detail: "", next_try_at: null, last_picture_at: null, clock: "rtcp",
    received: 0, analysed: 0, dropped: {}, fps_received: 0, fps_analysed: 0, gate: "off", level: "full", stream: "sub", unanalysed: null, unanalysed_since: null, detector: "m", silent: false, ...change,
  };
}
