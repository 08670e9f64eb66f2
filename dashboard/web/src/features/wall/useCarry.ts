/** A tile picked up, by mouse or key, moved over others and dropped. */

import { onBeforeUnmount, ref, type Ref } from "vue";

import { useKeys, type Bindings } from "@/lib/keys";
import { neighbour, type Direction, type Layout } from "@/lib/wall/layouts";

/** A hand that shakes is no drag. */
const DRAG_PX = 8;
const ARROWS: Readonly<Record<string, Direction>> = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };

export interface Carry {
  /** The tile that is carried, and the one it would be dropped on. */
  readonly from: Ref<number | null>;
  readonly over: Ref<number | null>;
  readonly grab: (tile: number) => void;
  readonly onPointerDown: (event: PointerEvent) => void;
}

function tileAt(x: number, y: number): number | null {
  const number = document.elementFromPoint(x, y)?.closest<HTMLElement>("[data-place]")?.dataset["place"];
  return number === undefined ? null : Number(number);
}

/** `may`: whether tiles can be moved now. `drop` is told when one was dropped on another. */
export function useCarry(layout: () => Layout, may: () => boolean, drop: (from: number, to: number) => void): Carry {
  const from = ref<number | null>(null);
  const over = ref<number | null>(null);
  let pressed: { readonly tile: number; readonly x: number; readonly y: number } | null = null;

  function grab(tile: number): void {
    if (!may()) return;
    from.value = over.value = tile;
  }

  function put(): void {
    if (from.value !== null && over.value !== null && from.value !== over.value) drop(from.value, over.value);
    leave();
  }

  function leave(): void {
    from.value = over.value = null;
  }

  function onPointerDown(event: PointerEvent): void {
    const tile = tileAt(event.clientX, event.clientY);
    if (event.button !== 0 || tile === null || !may()) return;
    pressed = { tile, x: event.clientX, y: event.clientY };
    addEventListener("pointermove", onMove);
    addEventListener("pointerup", onUp, { once: true });
    addEventListener("pointercancel", onUp, { once: true });
  }

  function onMove(event: PointerEvent): void {
    if (pressed === null) return;
    if (from.value === null && Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) >= DRAG_PX) grab(pressed.tile);
    if (from.value !== null) over.value = tileAt(event.clientX, event.clientY);
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
      const moves = Object.entries(ARROWS).map(([key, direction]) => [key, () => (over.value = neighbour(layout(), over.value ?? from.value ?? 0, direction))] as const);
      return { ...Object.fromEntries(moves), y: put, Enter: put, Escape: leave };
    },
    { first: true },
  );
  onBeforeUnmount(() => removeEventListener("pointermove", onMove));

  return { from, over, grab, onPointerDown };
}
