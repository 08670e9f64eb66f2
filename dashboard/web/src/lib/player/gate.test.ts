import { describe, expect, it } from "vitest";

import { Gate } from "./gate";

describe("Gate", () => {
  it("lets so many through at a time, in order, and nobody who has gone", () => {
    const gate = new Gate(2);
    const entered: string[] = [];
    const [a, , c] = ["a", "b", "c", "d", "e"].map((name) => gate.pass(() => entered.push(name)));
    expect(entered).toEqual(["a", "b"]);
    c?.();
    a?.();
    a?.();
    expect(entered).toEqual(["a", "b", "d"]);
  });

  it("may be left while it is entered", () => {
    const gate = new Gate(1);
    let leave = (): void => undefined;
    leave = gate.pass(() => leave());
    leave();
    let open = false;
    gate.pass(() => (open = true));
    expect(open).toBe(true);
  });
});
