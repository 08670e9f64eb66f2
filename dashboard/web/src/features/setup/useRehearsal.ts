/** The draft's rules tried on what the camera shows, again at each change of the draft. */

import { onBeforeUnmount, ref, shallowRef, watch, type Ref } from "vue";

import { ApiError, type Api } from "@/lib/api";
import type { CameraDraft, EventRow } from "@/lib/model";

interface Line {
  readonly at: number;
  readonly objects: number;
  readonly alarmed: readonly number[];
  readonly pending: boolean;
  readonly found: readonly EventRow[];
}

export type Rehearsed = Pick<Line, "at" | "objects" | "alarmed" | "pending">;
export interface Finding {
  readonly at: number;
  readonly event: EventRow;
}

const SETTLE_MS = 400;
const AGAIN_MS = 2_000;
const KEPT = 4;

/** `wanted` null: nothing is tried. */
export function useRehearsal(api: Api, wanted: Ref<CameraDraft | null>) {
  const now = shallowRef<Rehearsed | null>(null);
  const findings = shallowRef<readonly Finding[]>([]);
  const failure = ref<unknown>(null);
  let running: AbortController | null = null;
  let waiting: ReturnType<typeof setTimeout> | undefined;

  function stop(): void {
    clearTimeout(waiting);
    running?.abort();
    running = null;
    now.value = null;
  }

  async function run(draft: CameraDraft): Promise<void> {
    const request = new AbortController();
    running = request;
    try {
      await api.rehearse(draft, request.signal, (text) => {
        const line = JSON.parse(text) as Line;
        now.value = line;
        failure.value = null;
        const all = [...findings.value, ...line.found.map((event) => ({ at: line.at, event }))];
        if (line.found.length > 0) findings.value = all.sort((a, b) => b.at - a.at).slice(0, KEPT);
      });
    } catch (error) {
      if (request.signal.aborted) return;
      if (!(error instanceof ApiError || error instanceof TypeError)) throw error;
      failure.value = error instanceof ApiError ? error : new ApiError(0, "network", "", null);
    }
    if (running === request) waiting = setTimeout(() => void run(draft), AGAIN_MS);
  }

  watch(
    wanted,
    (draft, before) => {
      stop();
      failure.value = null;
      if (draft?.id !== before?.id || draft === null) findings.value = [];
      if (draft !== null) waiting = setTimeout(() => void run({ ...draft, password: null }), SETTLE_MS);
    },
    { immediate: true },
  );
  onBeforeUnmount(stop);
  return { now, findings, failure };
}
