/** The feed's state and how it changes. Pure: the socket around it is in `feed.ts`. */

import type { AlarmChange, CameraHealth, Correction, EventPage, EventRow, FeedBatch, FeedItem, Rotation, ScreenStatus, Sending, Standing } from "@/lib/model";

/** A row of the alarm list; `late`: it happened while this page had no connection. */
export type AlarmRow = EventRow & { readonly late?: boolean };

export interface FeedState {
  readonly connection: "connecting" | "open" | "lost";
  /** Page's clock (epoch ms) at which the connection was lost. */
  readonly lostAt: number | null;
  readonly attempt: number;
  readonly lastId: string | null;
  readonly rows: ReadonlyMap<string, AlarmRow>;
  /** Steps of alarms whose rows are still on their way: a page of rows may be older than the feed beside it. */
  readonly ahead: ReadonlyMap<string, Standing>;
  /** Events whose clips were told of since the page opened. */
  readonly clips: ReadonlySet<string>;
  /** Alarms nobody has acknowledged, those beyond `rows` included. */
  readonly unacknowledged: number;
  readonly health: ReadonlyMap<string, CameraHealth>;
  readonly rotation: Rotation | null;
  /** Wall screens by id, as far as the account covers them. */
  readonly screens: ReadonlyMap<string, ScreenStatus>;
  /** Scenes from desk to desk by id, as far as the account covers the receiving desk. */
  readonly sendings: ReadonlyMap<string, Sending>;
  /** Add to the page's clock to get the server's, ms. */
  readonly offsetMs: number;
  /** Of the settings that the server goes by; 0 until it tells. */
  readonly revision: number;
  /** How sure `offsetMs` is: the round trip it was taken from, and when (page's clock). Null: one-way messages only. */
  readonly roundTrip: { readonly ms: number; readonly at: number } | null;
  /** Events past retention that will never reach this page. */
  readonly gone: number;
  readonly missed: number;
  /** Parts of the server that are away, and since when (epoch s). */
  readonly away: ReadonlyMap<"redis" | "store" | "disk", number>;
  /** Unusable messages: counted, and shown to whoever looks for a cause. */
  readonly trouble: number;
}

/** Rows the page holds; older ones are found in the history. */
export const ROW_LIMIT = 200;

const AHEAD_LIMIT = 500;

const ROUND_TRIP_KEPT_MS = 60_000;
/** Two round trips disagree by more than their lengths allow, and this: one of the clocks was set, or the page slept. */
const STEP_MS = 50;

export const EMPTY: FeedState = {
  connection: "connecting",
  lostAt: null,
  attempt: 0,
  lastId: null,
  rows: new Map(),
  ahead: new Map(),
  clips: new Set(),
  unacknowledged: 0,
  health: new Map(),
  rotation: null,
  screens: new Map(),
  sendings: new Map(),
  offsetMs: 0,
  revision: 0,
  roundTrip: null,
  gone: 0,
  missed: 0,
  away: new Map(),
  trouble: 0,
};

export type Action =
  | { readonly do: "opened" }
  | { readonly do: "lost"; readonly at: number; readonly attempt: number }
  | { readonly do: "batch"; readonly batch: FeedBatch; readonly at: number }
  | { readonly do: "loaded"; readonly unacknowledged: EventPage; readonly recent: EventPage }
  | { readonly do: "health"; readonly cameras: readonly CameraHealth[] }
  | { readonly do: "rotation"; readonly rotation: Rotation }
  | { readonly do: "stepped"; readonly row: EventRow }
  | { readonly do: "screen"; readonly screen: ScreenStatus }
  | { readonly do: "read-gone" }
  | { readonly do: "trouble" };

export function reduce(state: FeedState, action: Action): FeedState {
  switch (action.do) {
    case "opened":
      return { ...state, connection: "open", lostAt: null, attempt: 0 };
    case "lost":
      return { ...state, connection: "lost", lostAt: state.lostAt ?? action.at, attempt: action.attempt };
    case "batch": {
      const next = action.batch.items.reduce((before, item) => take(before, item, action.at), state);
      return { ...next, lastId: action.batch.last_id ?? next.lastId };
    }
    case "loaded":
      return loaded(state, action.unacknowledged, action.recent);
    case "health":
      // all of them: one that is gone from the settings goes here, too
      return { ...state, health: merged(new Map(), action.cameras) };
    case "rotation":
      return { ...state, rotation: action.rotation };
    case "stepped":
      return put(state, action.row);
    case "screen": // the answer to a step; the feed may have told more by now
      return (state.screens.get(action.screen.id)?.state.version ?? 0) > action.screen.state.version ? state : screened(state, action.screen);
    case "read-gone":
      return { ...state, gone: 0, missed: 0 };
    case "trouble":
      return { ...state, trouble: state.trouble + 1 };
  }
}

function take(state: FeedState, item: FeedItem, at: number): FeedState {
  switch (item.type) {
    case "hello":
      return { ...state, ...oneWay(state, item.server_time, at), away: new Map(), missed: item.missed, gone: state.gone + item.gone };
    case "time":
      return { ...state, ...oneWay(state, item.server_time, at) };
    case "pong":
      return { ...state, ...roundTrip(state, item.server_time, item.t, at) };
    case "event":
      return put(state, item.late ? { ...item.row, late: true } : item.row);
    case "alarm":
      return stepped(state, item.change);
    case "situation":
      return goneOn(state, item);
    case "correction":
      return corrected(state, item.correction);
    case "clip":
      return { ...state, clips: new Set([...state.clips, item.event_id].slice(-AHEAD_LIMIT)) };
    case "health":
      return { ...state, health: merged(state.health, item.cameras) };
    case "rotation":
      return { ...state, rotation: item.rotation };
    case "screen":
      return screened(state, item.screen);
    case "sending":
      return { ...state, sendings: new Map(state.sendings).set(item.sending.id, item.sending) };
    case "settings":
      return { ...state, revision: item.revision };
    case "trouble": {
      const away = new Map(state.away);
      if (item.over) away.delete(item.part);
      else away.set(item.part, item.since);
      return { ...state, away };
    }
    default: // a newer server's word
      return { ...state, trouble: state.trouble + 1 };
  }
}

function screened(state: FeedState, { id, connected, state: shown }: ScreenStatus): FeedState {
  return { ...state, screens: new Map(state.screens).set(id, { id, connected, state: shown }) };
}

type ClockState = Pick<FeedState, "offsetMs" | "roundTrip">;

/** Without a round trip the offset is at least what a message says that took no time at all. */
function oneWay(state: FeedState, serverS: number, at: number): Partial<ClockState> {
  return state.roundTrip === null ? { offsetMs: serverS * 1000 - at } : {};
}

/**
 * The shortest round trip of the last minute counts (the clock filter of RFC 5905, section 10): a long one may have
 * waited on one way only, and would make every picture look older or younger than it is.
 */
function roundTrip(state: FeedState, serverS: number, sent: number, at: number): Partial<ClockState> {
  const ms = at - sent;
  const best = state.roundTrip;
  const offsetMs = serverS * 1000 - (sent + at) / 2;
  const stepped = best !== null && Math.abs(offsetMs - state.offsetMs) > (ms + best.ms) / 2 + STEP_MS;
  if (best !== null && !stepped && ms > best.ms && at - best.at < ROUND_TRIP_KEPT_MS) return {};
  return { offsetMs, roundTrip: { ms, at } };
}

/** A row comes in, or again: a step that is known is never taken back by an older copy. */
function put(state: FeedState, told: AlarmRow): FeedState {
  const early = state.ahead.get(told.id);
  const row = early !== undefined && early.version > told.version ? { ...told, ...early } : told;
  const known = state.rows.get(row.id);
  const newer = known !== undefined && known.version > row.version ? { ...known, repeats: row.repeats } : { ...known, ...row };
  // A row that comes by the feed tells nothing of its situation.
  const kept = { ...newer, situation: row.situation ?? known?.situation ?? null };
  const rows = new Map(state.rows).set(row.id, kept);
  const before = waits(known);
  const after = waits(kept);
  return { ...state, rows: bounded(rows), unacknowledged: Math.max(0, state.unacknowledged + after - before) };
}

/** Somebody took a step. Without a standing the change is of an earlier release, which knew acknowledging alone. */
function stepped(state: FeedState, change: AlarmChange): FeedState {
  const row = state.rows.get(change.event_id);
  if (row === undefined) {
    const seen = change.command === "acknowledge" ? 1 : 0;
    return { ...state, ahead: kept(state.ahead, change), unacknowledged: Math.max(0, state.unacknowledged - seen) };
  }
  if (change.standing) return put(state, { ...row, ...change.standing });
  return put(state, {
    ...row,
    state: "acknowledged",
    version: 1,
    acknowledged_by: change.by,
    acknowledged_by_name: change.by_name,
    acknowledged_at: change.at,
    comment: change.comment,
  });
}

/** Whether it counts as not acknowledged; what is part of another event is seen there. */
function waits(row: AlarmRow | undefined): 0 | 1 {
  return row?.state === "new" && !row.situation?.merged_into ? 1 : 0;
}

type SituationItem = Extract<FeedItem, { type: "situation" }>;

function situationOf(row: AlarmRow): NonNullable<AlarmRow["situation"]> {
  return row.situation ?? { event_id: row.id, measured: row.measured, peak: row.measured, hits: 0, ended_at: null, late_s: null, clock_suspect: false, merged_into: null };
}

/** The happening goes on, or has ended: measures, peak and merged hits move. Peaks and hits never fall. */
function goneOn(state: FeedState, told: SituationItem): FeedState {
  const row = state.rows.get(told.event_id);
  if (row === undefined) return state; // its row brings what is known when it is read
  const before = situationOf(row);
  const hits = Math.max(before.hits, told.hits);
  const situation = { ...before, measured: told.measured, peak: Math.max(before.peak, told.peak), hits, ended_at: told.ended_at };
  return put(state, { ...row, repeats: Math.max(row.repeats, told.hits), situation });
}

/** An event was made part of another, or is one of its own again. */
function corrected(state: FeedState, { action, event_id, other_id, undone_at }: Correction): FeedState {
  const row = state.rows.get(other_id);
  if (row === undefined) return state;
  const inside = (action === "merge") === (undone_at === null || undone_at === undefined);
  return put(state, { ...row, situation: { ...situationOf(row), merged_into: inside ? event_id : null } });
}

/** The newest steps, the oldest given up first. */
function kept(ahead: ReadonlyMap<string, Standing>, change: AlarmChange): ReadonlyMap<string, Standing> {
  if (!change.standing) return ahead;
  const next = new Map(ahead);
  next.delete(change.event_id);
  next.set(change.event_id, change.standing);
  for (const id of next.keys()) if (next.size > AHEAD_LIMIT) next.delete(id);
  return next;
}

function loaded(state: FeedState, unacknowledged: EventPage, recent: EventPage): FeedState {
  let next = state;
  for (const row of [...recent.rows, ...unacknowledged.rows]) next = put(next, row);
  return { ...next, unacknowledged: Math.max(unacknowledged.total, [...next.rows.values()].filter((row) => waits(row) === 1).length) };
}

function merged(health: ReadonlyMap<string, CameraHealth>, cameras: readonly CameraHealth[]): ReadonlyMap<string, CameraHealth> {
  const next = new Map(health);
  for (const camera of cameras) next.set(camera.camera_id, camera);
  return next;
}

/** Over the limit the oldest row that somebody has seen goes first, then the oldest of all. */
function bounded(rows: Map<string, AlarmRow>): Map<string, AlarmRow> {
  while (rows.size > ROW_LIMIT) {
    const oldest = [...rows.values()].reduce((a, b) => (rank(b) < rank(a) ? b : a));
    rows.delete(oldest.id);
  }
  return rows;
}

function rank(row: AlarmRow): number {
  return row.occurred_at + (row.state === "new" ? 1e10 : 0);
}
