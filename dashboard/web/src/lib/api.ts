/** Typed calls of the dashboard's HTTP. Every failure is an `ApiError` with one sentence and one way on. */

import type { Words } from "./i18n";
import type { Account, AlarmLoad, CameraHealth, Correction, Course, EventPage, EventRow, Evidence, Histogram, NodeInfo, Rotation } from "./model";

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

export type Api = ReturnType<typeof makeApi>;

export function queryString(query: object): string {
  const pairs = Object.entries(query as Record<string, unknown>).filter(([, value]) => value !== undefined && value !== "");
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs.map(([key, value]) => [key, String(value)]))}`;
}

export function makeApi(options: ApiOptions) {
  async function call<T>(method: "GET" | "POST", path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
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
    if (response.status === 401 && path !== "/api/login" && path !== "/api/me") options.onLoginRequired();
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
    undoCorrection: (eventId: string, correction: number) => call<Correction>("POST", `/api/events/${id(eventId)}/corrections/${correction}/undo`),
    evidence: (eventId: string) => call<Evidence | null>("GET", `/api/events/${id(eventId)}/evidence`),
    histogram: (query: EventQuery & { readonly bucket: "hour" | "day" }, signal?: AbortSignal) =>
      call<Histogram>("GET", `/api/events/histogram${queryString(query)}`, undefined, signal),
    acknowledge: (eventId: string, comment: string) =>
      call<EventRow>("POST", `/api/events/${id(eventId)}/acknowledge`, comment === "" ? {} : { comment }),
    alarmLoad: (query: { readonly from: number; readonly to: number }, signal?: AbortSignal) => call<AlarmLoad>("GET", `/api/alarms/load${queryString(query)}`, undefined, signal),
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
