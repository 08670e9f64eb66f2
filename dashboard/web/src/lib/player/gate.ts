/** Who may connect now. Pure. */

/**
 * Lets a few through at a time, the rest wait in their order.
 *
 * Chromium delays a new websocket by 1 to 5 s · 2^(those under way) / 65536: of sixteen tiles opened at once the last
 * would wait for seconds, of four under way none waits for more than a millisecond.
 */
export class Gate {
  private inside = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly places = 4) {}

  /** Calls `enter` as soon as there is a place. What it gives back leaves it, or the queue; further calls do nothing. */
  pass(enter: () => void): () => void {
    let left = false;
    let entered = false;
    const go = (): void => {
      entered = true;
      this.inside += 1;
      enter();
    };
    if (this.inside < this.places) go();
    else this.waiting.push(go);
    return () => {
      if (left) return;
      left = true;
      if (entered) {
        this.inside -= 1;
        this.waiting.shift()?.();
      } else {
        this.waiting.splice(this.waiting.indexOf(go), 1);
      }
    };
  }
}
