/** The figures of a region, kept up to date: asked again when the feed says that something happened, and now and then. */

import { computed, onBeforeUnmount, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from "vue";

import { useDesk } from "@/lib/desk";
import type { Overview } from "@/lib/model";

/** The server counts no more often. */
const SOON_MS = 3_000;
const AGAIN_MS = 15_000;
const OLD_MS = 40_000;

export interface OverviewFeed {
  readonly told: ShallowRef<Overview | null>;
  readonly failure: ShallowRef<unknown>;
  /** Since when (epoch ms) the figures are those of then, although they should be newer; null: they are as new as they come. */
  readonly oldSince: ComputedRef<number | null>;
  readonly ask: () => Promise<void>;
}

/** `region`: undefined until somebody has chosen one; the server then says where the overview begins. */
export function useOverview(region: Ref<string | undefined>): OverviewFeed {
  const desk = useDesk();
  const told = shallowRef<Overview | null>(null);
  const failure = shallowRef<unknown>(null);
  const answered = ref(Date.now());
  let asked: AbortController | null = null;
  let soon: ReturnType<typeof setTimeout> | undefined;

  async function ask(): Promise<void> {
    asked?.abort();
    const request = new AbortController();
    asked = request;
    try {
      told.value = await desk.api.overview(region.value, request.signal);
      failure.value = null;
      answered.value = Date.now();
    } catch (error) {
      if (asked !== request) return;
      failure.value = error;
      if (region.value !== undefined && told.value?.region_id !== region.value) told.value = null; // figures of another region
    }
  }

  const timer = setInterval(() => void ask(), AGAIN_MS);
  watch(region, () => void ask(), { immediate: true });
  watch(
    () => desk.feed.value.rows,
    () => {
      soon ??= setTimeout(() => {
        soon = undefined;
        void ask();
      }, SOON_MS);
    },
  );
  onBeforeUnmount(() => {
    clearInterval(timer);
    clearTimeout(soon);
    asked?.abort();
  });

  const oldSince = computed(() => {
    const waited = desk.now.value - desk.feed.value.offsetMs - answered.value;
    if (told.value === null || (waited < OLD_MS && desk.feed.value.connection !== "lost")) return null;
    return told.value.at * 1000;
  });
  return { told, failure, oldSince, ask };
}
