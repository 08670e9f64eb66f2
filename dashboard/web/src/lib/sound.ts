/** A short signal by severity. Browsers allow it only after a first gesture; until then the header says so. */

import { ref, watchEffect, type Ref } from "vue";

import type { Severity } from "./model";

/** Frequencies in Hz, one after the other: the worse, the higher and the more. */
const SIGNALS: Readonly<Record<Severity, readonly number[]>> = {
  critical: [988, 784, 988],
  high: [784, 988],
  medium: [659],
  low: [],
};
const TONE_S = 0.14;
const VOLUME = 0.12;
/** Many alarms at once sound as one. */
const QUIET_MS = 1_500;
const STORE = "xueliang.muted";

export interface Sound {
  readonly muted: Ref<boolean>;
  /** Whether the browser lets us be heard. */
  readonly allowed: Ref<boolean>;
  readonly play: (severity: Severity) => void;
}

export function makeSound(storage: Pick<Storage, "getItem" | "setItem">): Sound {
  const muted = ref(storage.getItem(STORE) === "yes");
  const allowed = ref(false);
  let context: AudioContext | null = null;
  let lastMs = -Infinity;
  watchEffect(() => storage.setItem(STORE, muted.value ? "yes" : "no"));

  const allow = (): void => {
    context ??= new AudioContext();
    context.resume().then(
      () => (allowed.value = true),
      () => (allowed.value = false),
    );
    removeEventListener("pointerdown", allow);
    removeEventListener("keydown", allow);
  };
  addEventListener("pointerdown", allow);
  addEventListener("keydown", allow);

  return {
    muted,
    allowed,
    play: (severity) => {
      if (muted.value || context === null || performance.now() - lastMs < QUIET_MS) return;
      lastMs = performance.now();
      SIGNALS[severity].forEach((frequency, i) => tone(context as AudioContext, frequency, i * TONE_S * 1.25));
    },
  };
}

function tone(context: AudioContext, frequency: number, delay: number): void {
  const from = context.currentTime + delay;
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  oscillator.type = "triangle";
  oscillator.frequency.value = frequency;
  gain.gain.setValueAtTime(0, from);
  gain.gain.linearRampToValueAtTime(VOLUME, from + 0.01);
  gain.gain.exponentialRampToValueAtTime(0.0001, from + TONE_S);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(from);
  oscillator.stop(from + TONE_S);
}
