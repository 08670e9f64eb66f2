/** Taking steps with the alarm in hand; whoever was faster is named, and the alarm shown as it stands then. */

import { ref, type Ref } from "vue";

import { ApiError, sentences } from "@/lib/api";
import { useDesk } from "@/lib/desk";
import type { AlarmRow } from "@/lib/feed/reduce";
import { useWords } from "@/lib/i18n";
import type { EventRow } from "@/lib/model";
import { moment } from "@/lib/time";

import type { StepName } from "./steps";

/** Legal whatever else has happened to the alarm meanwhile. */
const WITHOUT_VERSION: ReadonlySet<StepName> = new Set(["acknowledge", "comment"]);

export interface AlarmSteps {
  readonly busy: Ref<boolean>;
  /** What went wrong with the last step, or null. */
  readonly notice: Ref<string | null>;
  /** True where the step was taken. */
  readonly take: (step: StepName, body?: Readonly<Record<string, unknown>>) => Promise<boolean>;
}

export function useAlarmSteps(row: () => AlarmRow): AlarmSteps {
  const desk = useDesk();
  const words = useWords();
  const { t, word } = words;
  const busy = ref(false);
  const notice = ref<string | null>(null);

  /** The step under way, if any. The same one again is a key held too long; another one waits for it. */
  let running: { readonly step: StepName; readonly done: Promise<boolean> } | null = null;

  async function take(step: StepName, body: Readonly<Record<string, unknown>> = {}): Promise<boolean> {
    if (running?.step === step) return false;
    const asked = row().id;
    while (running !== null) await running.done;
    if (row().id !== asked) return false;
    const done = go(step, body);
    running = { step, done };
    try {
      return await done;
    } finally {
      running = null;
    }
  }

  async function go(step: StepName, body: Readonly<Record<string, unknown>>): Promise<boolean> {
    const looked = row();
    busy.value = true;
    notice.value = null;
    try {
      desk.dispatch({ do: "stepped", row: await taken(looked, step, body) });
      return true;
    } catch (error) {
      const text = await told(error, looked.id);
      if (row().id === looked.id) notice.value = text;
      return false;
    } finally {
      busy.value = false;
    }
  }

  /** The system's own steps (a desk was found, the situation has ended) are nobody's decision: they refuse nothing. */
  async function taken(looked: EventRow, step: StepName, body: Readonly<Record<string, unknown>>): Promise<EventRow> {
    const ask = (version: number): Promise<EventRow> => desk.api.alarmStep(looked.id, step, WITHOUT_VERSION.has(step) ? body : { ...body, version });
    try {
      return await ask(looked.version);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "alarm_changed" || error.detail["by"] !== "system") throw error;
      const current = await desk.api.event(looked.id);
      if (current.state !== looked.state || current.owner !== looked.owner) throw error;
      return ask(current.version);
    }
  }

  async function told(error: unknown, eventId: string): Promise<string> {
    if (error instanceof ApiError && error.status === 409) {
      try {
        const current = await desk.api.event(eventId);
        desk.dispatch({ do: "stepped", row: current });
        const { by, by_name: name, at } = error.detail;
        const who = by === "system" || typeof name !== "string" ? t("alarms.system") : name;
        const time = moment((typeof at === "number" ? at : 0) * 1000, desk.now.value, desk.zone.value);
        return error.code === "already_acknowledged" ? t("alarms.conflict", { name: who, time }) : t("alarms.faster", { name: who, time, state: word("state", current.state, "state.new") });
      } catch (again) {
        return said(again);
      }
    }
    return said(error);
  }

  function said(error: unknown): string {
    const { text, action } = sentences(error, words);
    return `${text} ${action}`;
  }

  return { busy, notice, take };
}
