/** What is drawn over the pictures: each to be switched off, kept in this browser. */

import { inject, provide, shallowRef, watch, type InjectionKey, type ShallowRef } from "vue";

import type { Bindings } from "@/lib/keys";

export interface Layers {
  readonly boxes: boolean;
  readonly zones: boolean;
  readonly trails: boolean;
}

const STORE = "xueliang.layers";
const DEFAULT: Layers = { boxes: true, zones: false, trails: false };
const KEYS = [["b", "boxes"], ["z", "zones"], ["t", "trails"]] as const;
const LAYERS: InjectionKey<ShallowRef<Layers>> = Symbol("layers");

/** What was kept, as far as it can be understood. */
export function remembered(text: string | null): Layers {
  const kept = new Set((text ?? "boxes").split(" "));
  return { boxes: kept.has("boxes"), zones: kept.has("zones"), trails: kept.has("trails") };
}

/** For the views below: which layers are shown. Gives the keys that switch them. */
export function provideLayers(storage: Pick<Storage, "getItem" | "setItem">): Bindings {
  const layers = shallowRef(remembered(storage.getItem(STORE)));
  provide(LAYERS, layers);
  watch(layers, (now) => storage.setItem(STORE, KEYS.flatMap(([, layer]) => (now[layer] ? [layer] : [])).join(" ")));
  return Object.fromEntries(KEYS.map(([key, layer]) => [key, () => (layers.value = { ...layers.value, [layer]: !layers.value[layer] })]));
}

/** Boxes alone where nobody provides a choice. */
export function useLayers(): Readonly<ShallowRef<Layers>> {
  return inject(LAYERS, () => shallowRef(DEFAULT), true);
}
