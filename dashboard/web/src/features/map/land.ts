/** What the land of a map is drawn from, whoever draws it. */

import type { Polygon } from "./geometry";

/** `outer`: the region that is looked at; its children are `quiet`, have `open` alarms, or some that nobody has seen. */
export type Tone = "outer" | "quiet" | "open" | "waiting";

export interface Area {
  readonly region: string;
  readonly polygons: readonly Polygon[];
  readonly tone: Tone;
}

export type Palette = Readonly<Record<Tone | "border", string>>;

/** The colours of the theme around `host`: `--land-*`. */
export function paletteOf(host: Element): Palette {
  const style = getComputedStyle(host);
  const colour = (name: keyof Palette): string => style.getPropertyValue(`--land-${name}`).trim() || "#10151d";
  return { outer: colour("outer"), quiet: colour("quiet"), open: colour("open"), waiting: colour("waiting"), border: colour("border") };
}

/** Whether this browser draws with WebGL 2: asked before the map library is loaded. */
export function drawsWebGl(): boolean {
  const context = document.createElement("canvas").getContext("webgl2");
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return context !== null;
}
