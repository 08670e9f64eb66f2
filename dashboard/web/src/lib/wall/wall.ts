/** The wall of this desk: how it is arranged, and what it shows now. Made once, by the application. */

import { inject, ref, shallowRef, watch, type InjectionKey, type Ref, type ShallowRef } from "vue";

import { ofScene, store, stored, type Arrangement } from "./arrangement";

export interface Wall {
  /** Kept in this browser over reloads. */
  readonly arrangement: ShallowRef<Arrangement>;
  /** The camera of each tile now, by hand or by the rotation; a scene of the present wall is these and the layout. */
  readonly shown: Ref<readonly (string | null)[]>;
  /** Shows a scene; false where this page does not know its layout. */
  readonly open: (scene: { readonly layout: unknown; readonly tiles: readonly (string | null)[] }) => boolean;
}

const WALL: InjectionKey<Wall> = Symbol("wall");

export function wallKey(): InjectionKey<Wall> {
  return WALL;
}

export function useWall(): Wall {
  const wall = inject(WALL);
  if (wall === undefined) throw new Error("no wall: the application provides one before it mounts");
  return wall;
}

export function makeWall(storage: Pick<Storage, "getItem" | "setItem">): Wall {
  const arrangement = shallowRef(stored(storage));
  watch(arrangement, (now) => store(storage, now));
  return {
    arrangement,
    shown: ref([]),
    open: (scene) => {
      const opened = ofScene(scene);
      if (opened !== null) arrangement.value = opened;
      return opened !== null;
    },
  };
}
