/** Typed calls of the dashboard's HTTP. Every failure is an `ApiError` with one sentence and one way on. */

import type { Words } from "./i18n";
import type { Account, AlarmLoad, CameraDraft, CameraHealth, Correction, Course, DeskInfo, EventPage, EventRow, Evidence, HandOver, Histogram, ImportReport, NodeInfo, Overview, ProbeReport, Probing, RecordingTimeline, RegionOutline, RevisionInfo, Rotation, Saved, Scene, SceneDraft, ScreenCode, ScreenContent, ScreenInfo, Sending, SetupState, Shift } from "./model";

export class ApiError extends Error {
  override readonly name = "ApiError";

  /** `status` 0: no answer at all. `action` is what the reader can do, or null. */
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly action: string | null,
    readonly detail: Readonly<Record<string, string | number | null>> = {},
  ) {
    super(message);
  }
}

export interface EventQuery {
  readonly from?: number;
  readonly to?: number;
  readonly kind?: string;
  readonly severity?: string;
  readonly camera?: string;
  readonly site?: string;
  readonly region?: string;
  readonly state?: string;
  readonly cursor?: string;
  readonly limit?: number;
}

/** A session that ended is told to whoever must ask for a new one. */
export interface ApiOptions {
  readonly fetch: typeof fetch;
  readonly language: () => string;
  readonly onLoginRequired: () => void;
}

export interface RecordedVideo {
  readonly beginsAtS: number;
  readonly endsAtS: number;
  readonly data: ArrayBuffer;
}

export type Api = ReturnType<typeof makeApi>;

export function queryString(query: object): string {
  const pairs = Object.entries(query as Record<string, unknown>).filter(([, value]) => value !== undefined && value !== "");
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs.map(([key, value]) => [key, String(value)]))}`;
}

export function makeApi(options: ApiOptions) {
  async function call<T>(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    const headers: Record<string, string> = { accept: "application/json", "accept-language": options.language() };
    if (body !== undefined) headers["content-type"] = "application/json";
    let response: Response;
    try {
      response = await options.fetch(path, {
        method,
        headers,
        credentials: "same-origin",
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw new ApiError(0, "network", "", null);
    }
    if (response.ok) return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
    const failure = await failureOf(response);
    if (response.status === 401 && path !== "/api/login" && path !== "/api/me" && !path.endsWith("/enrol")) options.onLoginRequired();
    throw failure;
  }

  const id = encodeURIComponent;
  return {
    login: (username: string, password: string) => call<Account>("POST", "/api/login", { username, password }),
    logout: () => call<void>("POST", "/api/logout"),
    me: () => call<Account>("GET", "/api/me"),
    node: () => call<NodeInfo>("GET", "/api/node"),
    health: () => call<CameraHealth[]>("GET", "/api/cameras/health"),
    events: (query: EventQuery, signal?: AbortSignal) => call<EventPage>("GET", `/api/events${queryString(query)}`, undefined, signal),
    event: (eventId: string) => call<EventRow>("GET", `/api/events/${id(eventId)}`),
    course: (eventId: string) => call<Course>("GET", `/api/events/${id(eventId)}/situation`),
    splitHit: (eventId: string, hitId: string) => call<Correction>("POST", `/api/events/${id(eventId)}/split`, { hit_id: hitId }),
    mergeEvents: (eventId: string, otherId: string) => call<Correction>("POST", `/api/events/${id(eventId)}/merge`, { other_id: otherId }),
    undoCorrection: (eventId: string, correction: number) => call<Correction>("POST", `/api/events/${id(eventId)}/corrections/${correction}/undo`),
    evidence: (eventId: string) => call<Evidence | null>("GET", `/api/events/${id(eventId)}/evidence`),
    histogram: (query: EventQuery & { readonly bucket: "hour" | "day" }, signal?: AbortSignal) =>
      call<Histogram>("GET", `/api/events/histogram${queryString(query)}`, undefined, signal),
    /** `step` is the word of its route: acknowledge, own, comment, start, hold, shelve, unshelve, close, reopen. */
    alarmStep: (eventId: string, step: string, body: object) => call<EventRow>("POST", `/api/events/${id(eventId)}/${step}`, body),
    desks: () => call<DeskInfo[]>("GET", "/api/desks"),
    handOver: (deskId: string) => call<HandOver>("GET", `/api/desks/${id(deskId)}/handover`),
    offerShift: (deskId: string, note: string) => call<Shift>("POST", `/api/desks/${id(deskId)}/offer`, note === "" ? {} : { note }),
    takeShift: (deskId: string, alarms: readonly string[]) => call<DeskInfo>("POST", `/api/desks/${id(deskId)}/take`, { alarms }),
    recorded: (cameraId: string, query: { readonly from: number; readonly to: number }, signal?: AbortSignal) =>
      call<RecordingTimeline>("GET", `/api/recordings/${id(cameraId)}${queryString(query)}`, undefined, signal),
    /** Fragmented MP4 of what is recorded between two times (UTC epoch s), whole; null where nothing is. */
    recordedVideo: async (cameraId: string, from: number, to: number, signal: AbortSignal): Promise<RecordedVideo | null> => {
      let response: Response;
      try {
        response = await options.fetch(`/api/recordings/${id(cameraId)}/video${queryString({ from, to })}`, { credentials: "same-origin", signal });
        if (response.ok) return { beginsAtS: Number(response.headers.get("x-begins-at")), endsAtS: Number(response.headers.get("x-ends-at")), data: await response.arrayBuffer() };
      } catch (error) {
        if (error instanceof DOMException && error.name === "AbortError") throw error;
        throw new ApiError(0, "network", "", null);
      }
      const failure = await failureOf(response);
      if (failure.code === "not_recorded") return null;
      if (response.status === 401) options.onLoginRequired();
      throw failure;
    },
    overview: (region: string | undefined, signal?: AbortSignal) => call<Overview>("GET", `/api/overview${queryString({ region })}`, undefined, signal),
    outlines: () => call<RegionOutline[]>("GET", "/api/overview/outlines"),
    alarmLoad: (query: { readonly from: number; readonly to: number }, signal?: AbortSignal) => call<AlarmLoad>("GET", `/api/alarms/load${queryString(query)}`, undefined, signal),
    setup: () => call<SetupState>("GET", "/api/setup"),
    saveCamera: (base: number, camera: CameraDraft, why: string) => call<Saved>("POST", "/api/setup/cameras", { base, camera, why }),
    removeCamera: (base: number, cameraId: string, why: string) => call<Saved>("DELETE", `/api/setup/cameras/${id(cameraId)}${queryString({ base, why })}`),
    importTable: async (base: number, file: Blob, apply: boolean, why = ""): Promise<ImportReport> => {
      const path = `/api/setup/import${queryString({ base, apply, why })}`;
      const response = await options.fetch(path, { method: "POST", headers: { "content-type": "application/octet-stream" }, credentials: "same-origin", body: file });
      if (!response.ok) throw await failureOf(response);
      return (await response.json()) as ImportReport;
    },
    revisions: () => call<{ revisions: RevisionInfo[] }>("GET", "/api/setup/revisions"),
    restoreRevision: (base: number, number: number, why: string) => call<Saved>("POST", `/api/setup/revisions/${number}/restore`, { base, why }),
    probe: (probing: Probing, signal: AbortSignal) => call<ProbeReport>("POST", "/api/setup/probe", probing, signal),
    /** Tries the draft's rules on what the camera shows; `onLine` hears each line, until `signal` ends it. */
    rehearse: async (camera: CameraDraft, signal: AbortSignal, onLine: (line: string) => void): Promise<void> => {
      const body = JSON.stringify({ camera });
      const response = await options.fetch("/api/setup/rehearse", { method: "POST", headers: { "content-type": "application/json" }, body, credentials: "same-origin", signal });
      if (!response.ok || response.body === null) throw await failureOf(response);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        const lines = (rest + part.value).split("\n");
        rest = lines.pop() ?? "";
        lines.forEach(onLine);
      }
    },
    scenes: () => call<Scene[]>("GET", "/api/scenes"),
    makeScene: (draft: SceneDraft) => call<Scene>("POST", "/api/scenes", draft),
    changeScene: (sceneId: string, draft: SceneDraft) => call<Scene>("PUT", `/api/scenes/${id(sceneId)}`, draft),
    deleteScene: (sceneId: string) => call<void>("DELETE", `/api/scenes/${id(sceneId)}`),
    screens: () => call<ScreenInfo[]>("GET", "/api/screens"),
    /** `seen`: the version that is taken over from another driver. */
    pushToScreen: (screenId: string, content: ScreenContent, seen: number | null) => call<ScreenInfo>("POST", `/api/screens/${id(screenId)}/push`, { content, seen }),
    clearScreen: (screenId: string, seen: number | null) => call<ScreenInfo>("POST", `/api/screens/${id(screenId)}/clear`, { seen }),
    screenCode: (screenId: string) => call<ScreenCode>("POST", `/api/screens/${id(screenId)}/code`),
    revokeScreen: (screenId: string) => call<void>("DELETE", `/api/screens/${id(screenId)}/enrolment`),
    enrolScreen: (screenId: string, code: string) => call<Account>("POST", `/api/screens/${id(screenId)}/enrol`, { code }),
    sendScene: (deskId: string, scene: Pick<SceneDraft, "layout" | "tiles"> & { readonly name: string | null; readonly word: string | null }) =>
      call<Sending>("POST", `/api/desks/${id(deskId)}/scenes`, scene),
    answerSending: (sendingId: string, accept: boolean, word: string) => call<Sending>("POST", `/api/sendings/${id(sendingId)}/answer`, word === "" ? { accept } : { accept, word }),
    rotation: () => call<Rotation>("GET", "/api/rotation"),
    rotationNext: () => call<Rotation>("POST", "/api/rotation/next"),
  };
}

async function failureOf(response: Response): Promise<ApiError> {
  let body: unknown;
  try {
    body = await response.json();
  } catch {
    body = null; // not our server's words (a proxy's page): the status must do
  }
  const error = typeof body === "object" && body !== null && "error" in body ? (body.error as Partial<Record<string, unknown>>) : {};
  const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);
  return new ApiError(response.status, text(error["code"]) ?? "unknown", text(error["message"]) ?? "", text(error["action"]), (error["detail"] ?? {}) as Record<string, string | number | null>);
}

/** The two sentences of a failure: what is wrong, and what to do; in the server's words where ours have none. */
export function sentences(error: unknown, { t, word }: Pick<Words, "t" | "word">): { text: string; action: string } {
  if (!(error instanceof ApiError)) return { text: t("error.unknown", { status: 0 }), action: t("error.unknown.action") };
  if (error.status === 0) return { text: t("error.network"), action: t("error.network.action") };
  const known = word("failure", error.code, "loading") !== t("loading");
  if (known) return { text: word("failure", error.code, "failure.failed"), action: word("way", error.code, "way.failed") };
  return { text: error.message || t("error.unknown", { status: error.status }), action: error.action ?? t("error.unknown.action") };
}
