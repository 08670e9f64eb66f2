import { describe, expect, it } from "vitest";

import { nextView, takesOver, type View } from "./views";

const BOTH = ["sub", "main"] as const;
const sub: View = { cameraId: "a", stream: "sub" };
const main: View = { cameraId: "a", stream: "main" };

describe("views of a tile", () => {
  it.each([
    ["an empty tile opens the sub stream", null, "a", true, BOTH, sub],
    ["a small tile stays with it", sub, "a", false, BOTH, null],
    ["a large one opens main behind it", sub, "a", true, BOTH, main],
    ["and then has what it wants", main, "a", true, BOTH, null],
    ["shrunk, it goes back", main, "a", false, BOTH, sub],
    ["another camera begins with its sub stream", main, "b", true, BOTH, { cameraId: "b", stream: "sub" }],
    ["a camera with one stream has no other", sub, "a", true, ["main"], null],
    ["no camera, nothing to open", sub, null, true, BOTH, null],
  ] as const)("%s", (_, shown, cameraId, large, streams, wanted) => {
    expect(nextView(shown, cameraId, large, streams)).toEqual(wanted);
  });

  it("leave no black moment: main takes over with a picture alone", () => {
    expect(["connecting", "stale", "offline", "live"].filter((state) => takesOver(main, state))).toEqual(["live"]);
    expect(["connecting", "stale", "offline", "live"].filter((state) => takesOver(sub, state))).toEqual(["stale", "offline", "live"]);
  });
});
