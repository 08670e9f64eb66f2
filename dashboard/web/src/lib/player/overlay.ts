/** Boxes on a canvas over the picture. Geometry in CSS pixels; boxes come normalised to the picture. */

import type { OverlayBox } from "@/lib/model";

import type { Trail } from "./timeline";

export interface Fit {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly mode: "cover" | "contain";
}

/** A tile cuts off at most this share of the picture's width or height; beyond it the whole picture is shown. */
export const MAX_CROP = 0.14;

/** Where a picture of `width` × `height` stands in a tile of `tileWidth` × `tileHeight`, centred. */
export function fit(tileWidth: number, tileHeight: number, width: number, height: number, whole: boolean): Fit {
  if (tileWidth <= 0 || tileHeight <= 0 || width <= 0 || height <= 0) return { x: 0, y: 0, width: 0, height: 0, mode: "contain" };
  const across = tileWidth / width;
  const down = tileHeight / height;
  const cropped = 1 - Math.min(across, down) / Math.max(across, down);
  const mode = whole || cropped > MAX_CROP ? "contain" : "cover";
  const scale = mode === "cover" ? Math.max(across, down) : Math.min(across, down);
  return { x: (tileWidth - width * scale) / 2, y: (tileHeight - height * scale) / 2, width: width * scale, height: height * scale, mode };
}

const CALM = "#7fc4f5";
const ALARM = "#ff5a52";

/** Draws `trails` and `boxes` on a canvas of the tile's size; clears what stood there. */
export function draw(context: CanvasRenderingContext2D, boxes: readonly OverlayBox[], trails: readonly Trail[], where: Fit, ratio: number): void {
  const { canvas } = context;
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (const trail of trails) drawTrail(context, trail, where, ratio);
  for (const { box, alarm } of boxes) {
    const [x1, y1, x2, y2] = box;
    const x = (where.x + x1 * where.width) * ratio;
    const y = (where.y + y1 * where.height) * ratio;
    const width = (x2 - x1) * where.width * ratio;
    const height = (y2 - y1) * where.height * ratio;
    context.lineWidth = (alarm ? 2 : 1.25) * ratio;
    context.strokeStyle = "rgba(6, 10, 15, 0.55)";
    context.strokeRect(x - ratio, y - ratio, width + 2 * ratio, height + 2 * ratio);
    context.strokeStyle = alarm ? ALARM : CALM;
    context.strokeRect(x, y, width, height);
  }
}

function drawTrail(context: CanvasRenderingContext2D, { points, alarm }: Trail, where: Fit, ratio: number): void {
  if (points.length < 2) return;
  context.beginPath();
  for (const [x, y] of points) context.lineTo((where.x + x * where.width) * ratio, (where.y + y * where.height) * ratio);
  context.lineJoin = "round";
  context.lineWidth = 3.5 * ratio;
  context.strokeStyle = "rgba(6, 10, 15, 0.5)";
  context.stroke();
  context.lineWidth = 1.5 * ratio;
  context.strokeStyle = alarm ? ALARM : CALM;
  context.stroke();
}
