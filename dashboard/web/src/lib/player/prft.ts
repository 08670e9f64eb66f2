/**
 * Producer reference time (ISO/IEC 14496-12, 8.16.5): which capture time belongs to which media time.
 *
 * The box stands before the `moof` of its fragment. Layout after the box header: version (8 bit), flags (24),
 * reference_track_ID (32), ntp_timestamp (64, RFC 5905: seconds since 1900 and a 32-bit fraction), media_time
 * (32 bit in version 0, 64 in version 1).
 */

/** Seconds between the NTP epoch (1900) and the Unix epoch (1970), RFC 5905. */
const NTP_TO_UNIX_S = 2_208_988_800;
const FRACTION = 2 ** 32;
const PRFT = 0x70726674;
const MOOF = 0x6d6f6f66;
/** Flags of a time that is the capture's; with any other the picture may be older. */
const OF_CAPTURE = 24;

export interface CaptureReference {
  /** UTC epoch milliseconds on the server's clock. */
  readonly captureMs: number;
  /** Seconds on the channel's own timeline. */
  readonly mediaTime: number;
  /** The picture was taken at `captureMs` or earlier: the first ones of a camera's session may be old ones. */
  readonly provisional?: true;
}

/** The reference of one fragment; null if it carries none. Throws `RangeError` on a box that leaves its buffer. */
export function parsePrft(fragment: ArrayBuffer, timescale = 90_000): CaptureReference | null {
  const view = new DataView(fragment);
  let at = 0;
  while (at + 8 <= view.byteLength) {
    const size = view.getUint32(at);
    const kind = view.getUint32(at + 4);
    if (kind === MOOF) return null;
    if (size < 8 || at + size > view.byteLength) throw new RangeError(`box of ${size} bytes at ${at} leaves a fragment of ${view.byteLength}`);
    if (kind === PRFT) return readPrft(view, at + 8, timescale);
    at += size;
  }
  return null;
}

function readPrft(view: DataView, at: number, timescale: number): CaptureReference {
  const version = view.getUint8(at);
  const flags = view.getUint32(at) & 0xffffff;
  const seconds = view.getUint32(at + 8) - NTP_TO_UNIX_S;
  const fraction = view.getUint32(at + 12) / FRACTION;
  const media = version === 0 ? view.getUint32(at + 16) : Number(view.getBigUint64(at + 16));
  const reference = { captureMs: (seconds + fraction) * 1000, mediaTime: media / timescale };
  return flags === OF_CAPTURE ? reference : { ...reference, provisional: true };
}
