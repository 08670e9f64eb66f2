/** A picture of the glass as a PNG file, with place and time burned in. */

export interface Caption {
  readonly place: string;
  readonly code: string;
  /** Time of capture, with its date and zone. */
  readonly time: string;
  /** Said where the picture is not live. */
  readonly note: string | null;
}

/** A caption takes this share of the picture's height, at least so many pixels. */
const BAR_SHARE = 0.055;
const BAR_MIN_PX = 26;

/** `C-0107_20261123-031422.png`: sorts by camera and time, and holds nothing that a file system refuses. */
export function fileName(code: string, time: string): string {
  return `${code.replace(/[^\w.-]/g, "_")}_${time.replace(/[^\d]/g, "").replace(/^(\d{8})(\d{6}).*$/, "$1-$2")}.png`;
}

/**
 * The picture in its own size with a bar below it that holds the caption: nothing of the picture is covered.
 * Rejects with `Error` when the browser makes no PNG of it.
 */
export async function snapshot(picture: HTMLVideoElement | HTMLCanvasElement, caption: Caption, font: string): Promise<Blob> {
  const [width, height] = picture instanceof HTMLVideoElement ? [picture.videoWidth, picture.videoHeight] : [picture.width, picture.height];
  const bar = Math.max(BAR_MIN_PX, Math.round(height * BAR_SHARE));
  const canvas = Object.assign(document.createElement("canvas"), { width, height: height + bar });
  const context = canvas.getContext("2d");
  if (context === null || width === 0) throw new Error("no picture to keep");
  context.drawImage(picture, 0, 0, width, height);
  context.fillStyle = "#0a0d12";
  context.fillRect(0, height, width, bar);
  const padding = bar * 0.4;
  const room = width - 2 * padding;
  const left = `${caption.place}  ${caption.code}`;
  const right = caption.note === null ? caption.time : `${caption.note}  ${caption.time}`;
  context.textBaseline = "middle";
  context.fillStyle = "#e8edf3";
  let size = bar * 0.56;
  context.font = `600 ${size}px ${font}`;
  const taken = context.measureText(`${left}    ${right}`).width;
  if (taken > room) size *= room / taken;
  context.font = `600 ${size}px ${font}`;
  context.fillText(left, padding, height + bar / 2);
  context.textAlign = "right";
  context.fillText(right, width - padding, height + bar / 2);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob === null ? reject(new Error("no picture to keep")) : resolve(blob)), "image/png");
  });
}

/** Hands the file to the browser's downloads. */
export function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  // The download has its own hold on the data once it has begun.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
