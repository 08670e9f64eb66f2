/** What a binary message of the live channel holds: an init segment, or fragments. Pure. */

const MDAT = 0x6d646174;

/**
 * The fragments of `message`, each to the end of its `mdat` (ISO/IEC 14496-12); what has none, an init segment, is whole.
 * Throws `RangeError` on a box that leaves its buffer.
 */
export function pieces(message: ArrayBuffer): readonly ArrayBuffer[] {
  const view = new DataView(message);
  const found: ArrayBuffer[] = [];
  let begin = 0;
  for (let at = 0; at < view.byteLength; ) {
    const size = view.getUint32(at);
    const kind = view.getUint32(at + 4);
    at += size;
    if (size < 8 || at > view.byteLength) throw new RangeError(`box of ${size} bytes leaves a message of ${view.byteLength}`);
    if (kind === MDAT && at < view.byteLength) {
      found.push(message.slice(begin, at));
      begin = at;
    }
  }
  return begin === 0 ? [message] : [...found, message.slice(begin)];
}
