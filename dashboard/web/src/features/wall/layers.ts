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
/** In the order of their buttons, each with its key. */
export const LAYER_KEYS = [["boxes", "b"], ["zones", "z"], ["trails", "t"]] as const;
const LAYERS: InjectionKey<ShallowRef<Layers>> = Symbol("layers");

/** What was kept, as far as it can be understood. */
export function remembered(text: string | null): Layers {
  const kept = new Set((text ?? "boxes").split(" "));
  return { boxes: kept.has("boxes"), zones: kept.has("zones"), trails: kept.has("trails") };
}

export interface LayerChoice {
  readonly layers: Readonly<ShallowRef<Layers>>;
  readonly toggle: (layer: keyof Layers) => void;
  readonly keys: Bindings;
}

/** For the views below: which layers are shown. Gives what switches them. */
export function provideLayers(storage: Pick<Storage, "getItem" | "setItem">): LayerChoice {
  const layers = shallowRef(remembered(storage.getItem(STORE)));
  provide(LAYERS, layers);
  watch(layers, (now) => storage.setItem(STORE, LAYER_KEYS.flatMap(([layer]) => (now[layer] ? [layer] : [])).join(" ")));
  const toggle = (layer: keyof Layers): void => {
    layers.value = { ...layers.value, [layer]: !layers.value[layer] };
  };
  return { layers, toggle, keys: Object.fromEntries(LAYER_KEYS.map(([layer, key]) => [key, () => toggle(layer)])) };
}

/** Boxes alone where nobody provides a choice. */
export function useLayers(): Readonly<ShallowRef<Layers>> {
  return inject(LAYERS, () => shallowRef(DEFAULT), true);
}
