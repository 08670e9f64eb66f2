/** What every page of one desk shares: who is logged in, the node, the feed, the clock. Made once, by the application. */

import { computed, inject, ref, shallowRef, watch, type ComputedRef, type InjectionKey, type Ref, type ShallowRef } from "vue";

import { makeApi, type Api, ApiError } from "./api";
import { Feed } from "./feed/feed";
import { EMPTY, reduce, type Action, type FeedState } from "./feed/reduce";
import type { Words } from "./i18n";
import type { Account, CameraInfo, DeskInfo, NodeInfo, RegionInfo, SiteInfo } from "./model";
import { TICK_MS } from "./player/freshness";
import { Lines } from "./player/lines";
import { steadyNow } from "./time";

const RELOAD_MS = 60_000;
const FIRST_ROWS = 60;

export interface Desk {
  readonly api: Api;
  readonly account: ShallowRef<Account | null>;
  readonly node: ShallowRef<NodeInfo | null>;
  readonly nodeFailure: ShallowRef<unknown>;
  /** The desks of the account's regions, as they were manned a moment ago. */
  readonly desks: ShallowRef<readonly DeskInfo[]>;
  /** Ids of those that the account belongs to; empty where there are none. */
  readonly mine: ComputedRef<ReadonlySet<string>>;
  readonly feed: ShallowRef<FeedState>;
  readonly loaded: Ref<boolean>;
  /** Why the login page is shown again, if it is. */
  readonly expired: Ref<boolean>;
  /** On which live streams come. */
  readonly lines: Lines;
  /** The server's clock, epoch ms, four times a second. */
  readonly now: Ref<number>;
  readonly zone: ComputedRef<string>;
  readonly cameras: ComputedRef<ReadonlyMap<string, CameraInfo>>;
  readonly sites: ComputedRef<ReadonlyMap<string, SiteInfo>>;
  readonly may: (action: string) => boolean;
  readonly dispatch: (action: Action) => void;
  /** Takes up the session that the browser's cookie may hold; false without one. */
  readonly resume: () => Promise<boolean>;
  readonly enter: (account: Account) => void;
  readonly leave: () => Promise<void>;
  readonly loadNode: () => Promise<void>;
  readonly loadDesks: () => Promise<void>;
  /** Site and camera; a site with a camera of its own name is told by its town. */
  readonly place: (cameraId: string, siteId?: string) => string;
}

const DESK: InjectionKey<Desk> = Symbol("desk");

export function deskKey(): InjectionKey<Desk> {
  return DESK;
}

export function useDesk(): Desk {
  const desk = inject(DESK);
  if (desk === undefined) throw new Error("no desk: the application provides one before it mounts");
  return desk;
}

export function websocketUrl(path: string): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
}

export function makeDesk(words: Words): Desk {
  const account = shallowRef<Account | null>(null);
  const node = shallowRef<NodeInfo | null>(null);
  const nodeFailure = shallowRef<unknown>(null);
  const desks = shallowRef<readonly DeskInfo[]>([]);
  const feed = shallowRef<FeedState>(EMPTY);
  const loaded = ref(false);
  const expired = ref(false);
  const now = ref(steadyNow());
  const dispatch = (action: Action): void => {
    feed.value = reduce(feed.value, action);
  };
  const may = (action: string): boolean => account.value?.actions.some((granted) => granted === action) ?? false;
  const cameras = computed(() => new Map((node.value?.cameras ?? []).map((camera) => [camera.id, camera])));
  /** Every region by the town it lies in (or itself above one): what people call the place. */
  const towns = computed(() => {
    const found = new Map<string, RegionInfo>();
    const walk = (region: RegionInfo, town: RegionInfo | null): void => {
      const here = town ?? (region.level === "town" ? region : null);
      found.set(region.id, here ?? region);
      for (const child of region.children ?? []) walk(child, here);
    };
    for (const region of node.value?.regions ?? []) walk(region, null);
    return found;
  });
  const sites = computed(() => new Map((node.value?.sites ?? []).map((site) => [site.id, site])));

  setInterval(() => {
    now.value = steadyNow() + feed.value.offsetMs;
  }, TICK_MS);

  const lines = new Lines(websocketUrl("/api/live"));
  const close = (): void => {
    socket?.stop();
    socket = null;
    lines.close();
    clearInterval(reload);
    account.value = null;
    node.value = null;
    desks.value = [];
    feed.value = EMPTY;
    loaded.value = false;
  };
  const api = makeApi({
    fetch: (...request) => fetch(...request),
    language: () => (words.language.value === "zh" ? "zh-CN" : "en"),
    onLoginRequired: () => {
      expired.value = account.value !== null;
      close();
    },
  });
  let socket: Feed | null = null;
  let reload: ReturnType<typeof setInterval> | undefined;

  /** What the feed does not carry: what was there before it opened. Failures show as the state of the connection. */
  async function load(): Promise<void> {
    const quietly = async <T>(permitted: boolean, call: () => Promise<T>, then: (value: T) => void): Promise<void> => {
      if (!permitted) return;
      try {
        then(await call());
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        dispatch({ do: "trouble" });
      }
    };
    await Promise.all([
      quietly(
        may("event.read"),
        () => Promise.all([api.events({ state: "new", limit: FIRST_ROWS }), api.events({ limit: FIRST_ROWS })]),
        ([unacknowledged, recent]) => {
          dispatch({ do: "loaded", unacknowledged, recent });
          loaded.value = true;
        },
      ),
      quietly(may("camera.read"), api.health, (rows) => dispatch({ do: "health", cameras: rows })),
      quietly(may("patrol.read"), api.rotation, (rotation) => dispatch({ do: "rotation", rotation })),
      quietly(may("desk.read"), api.desks, (found) => (desks.value = found)),
      node.value === null ? loadNode() : quietly(true, api.node, (value) => (node.value = value)),
    ]);
  }

  // Cameras and places were changed by somebody: read anew, and what the operator does here goes on.
  watch(() => feed.value.revision, (now, before) => before > 0 && now > 0 && void load());

  async function loadNode(): Promise<void> {
    try {
      node.value = await api.node();
      nodeFailure.value = null;
    } catch (error) {
      nodeFailure.value = error;
    }
  }

  /** Right after a shift has changed hands. Raises `ApiError`. */
  async function loadDesks(): Promise<void> {
    desks.value = await api.desks();
  }

  function enter(who: Account): void {
    expired.value = false;
    account.value = who;
    void loadNode();
    socket = new Feed({
      url: (lastId) => websocketUrl(`/api/feed${lastId === null ? "" : `?last_id=${encodeURIComponent(lastId)}`}`),
      lastId: () => feed.value.lastId,
      dispatch,
      onJoined: () => void load(),
      onLoginRequired: () => {
        expired.value = true;
        close();
      },
    });
    socket.start();
    reload = setInterval(() => void load(), RELOAD_MS);
  }

  return {
    api,
    account,
    node,
    nodeFailure,
    desks,
    mine: computed(() => new Set(desks.value.filter((each) => each.mine).map((each) => each.id))),
    feed,
    loaded,
    expired,
    lines,
    now,
    zone: computed(() => node.value?.timezone ?? "Asia/Shanghai"),
    cameras,
    sites,
    may,
    dispatch,
    resume: async () => {
      try {
        enter(await api.me());
        return true;
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) return false;
        throw error;
      }
    },
    enter,
    leave: async () => {
      try {
        await api.logout();
      } finally {
        close();
      }
    },
    loadNode,
    loadDesks,
    place: (cameraId, siteId) => {
      const camera = cameras.value.get(cameraId);
      const site = sites.value.get(siteId ?? camera?.site_id ?? "");
      if (site === undefined) return camera === undefined ? words.t("place.unknown") : words.name(camera, "");
      const siteName = words.name(site, "");
      const cameraName = camera === undefined ? siteName : words.name(camera, siteName);
      if (cameraName !== siteName) return `${siteName} · ${cameraName}`;
      const town = towns.value.get(site.region_id);
      return town === undefined ? siteName : `${words.name(town, "")} · ${siteName}`;
    },
  };
}
