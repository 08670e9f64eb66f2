/** Which views of cameras a tile holds: the one on show, and the one that is opened behind it. Pure. */

export type StreamName = "sub" | "main";

export interface View {
  readonly cameraId: string;
  readonly stream: StreamName;
}

export function keyOf({ cameraId, stream }: View): string {
  return `${cameraId}/${stream}`;
}

/**
 * What is to be opened behind `shown`; null when it is what is wanted. A camera is first shown by its sub stream, which
 * is always there; its main stream is opened behind that, where the tile is large and the camera has both.
 */
export function nextView(shown: View | null, cameraId: string | null, large: boolean, streams: readonly StreamName[]): View | null {
  if (cameraId === null) return null;
  if (shown?.cameraId !== cameraId) return { cameraId, stream: "sub" };
  const stream = large && streams.includes("sub") && streams.includes("main") ? "main" : "sub";
  return shown.stream === stream ? null : { cameraId, stream };
}

/**
 * Whether the view behind takes the place of the one on show. Another camera does as soon as it has anything to say.
 * The main stream does only with a picture: until then, and if it never comes, the sub stream is the better one.
 */
export function takesOver(next: View, state: string): boolean {
  return next.stream === "main" ? state === "live" : state !== "connecting";
}
