/** A tile picked up, by mouse or key, moved over others and dropped. */

import { onBeforeUnmount, ref, shallowRef, type Ref } from "vue";

import { useKeys, type Bindings } from "@/lib/keys";
import { neighbour, type Direction, type Layout } from "@/lib/wall/layouts";

/** What was picked up: a tile, with the camera that was seen in it. */
export interface Carried {
  readonly tile: number;
  readonly cameraId: string;
}

/** A hand that shakes is no drag. */
const DRAG_PX = 8;
const ARROWS: Readonly<Record<string, Direction>> = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };

export interface Carry {
  readonly from: Ref<Carried | null>;
  /** The tile that it would be dropped on. */
  readonly over: Ref<number | null>;
  readonly grab: (what: Carried) => void;
  readonly onPointerDown: (event: PointerEvent) => void;
}

function tileAt(x: number, y: number): Carried | null {
  const tile = document.elementFromPoint(x, y)?.closest<HTMLElement>("[data-place]")?.dataset;
  return tile === undefined ? null : { tile: Number(tile["place"]), cameraId: tile["camera"] ?? "" };
}

/** `may`: whether tiles can be moved now. `drop` is told when one was dropped on another. */
export function useCarry(layout: () => Layout, may: () => boolean, drop: (from: number, to: number) => void): Carry {
  const from = shallowRef<Carried | null>(null);
  const over = ref<number | null>(null);
  let pressed: { readonly what: Carried; readonly x: number; readonly y: number } | null = null;

  function grab(what: Carried): void {
    if (!may() || what.cameraId === "") return;
    from.value = what;
    over.value = what.tile;
  }

  function put(): void {
    if (from.value !== null && over.value !== null && from.value.tile !== over.value) drop(from.value.tile, over.value);
    leave();
  }

  function leave(): void {
    from.value = null;
    over.value = null;
  }

  function onPointerDown(event: PointerEvent): void {
    const what = tileAt(event.clientX, event.clientY);
    if (event.button !== 0 || what === null || !may()) return;
    pressed = { what, x: event.clientX, y: event.clientY };
    addEventListener("pointermove", onMove);
    addEventListener("pointerup", onUp, { once: true });
    addEventListener("pointercancel", onUp, { once: true });
  }

  function onMove(event: PointerEvent): void {
    if (pressed === null) return;
    if (from.value === null && Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) >= DRAG_PX) grab(pressed.what);
    if (from.value !== null) over.value = tileAt(event.clientX, event.clientY)?.tile ?? null;
  }

  function onUp(event: PointerEvent): void {
    removeEventListener("pointermove", onMove);
    if (pressed === null) return;
    pressed = null;
    if (event.type === "pointerup") put();
    else leave();
  }

  useKeys(
    (): Bindings => {
      if (from.value === null) return {};
      const moves = Object.entries(ARROWS).map(([key, direction]) => [key, () => (over.value = neighbour(layout(), over.value ?? from.value?.tile ?? 0, direction))] as const);
      return { ...Object.fromEntries(moves), y: put, Enter: put, Escape: leave };
    },
    { first: true },
  );
  onBeforeUnmount(() => removeEventListener("pointermove", onMove));

  return { from, over, grab, onPointerDown };
}
