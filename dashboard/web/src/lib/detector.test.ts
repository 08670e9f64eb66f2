import { describe, expect, it } from "vitest";

import { detectorNotice } from "./detector";

describe("detectorNotice", () => {
  it("tells what is no detector of real things, the worst first, and is silent over one that is", () => {
    expect(detectorNotice(["yolox_nano_416"])).toBeNull();
    expect(detectorNotice([])).toBeNull();
    expect(detectorNotice(["yolox_nano_416", "xueliang_scenes"])).toBe("scenes");
    expect(detectorNotice(["xueliang_scenes", "motion"])).toBe("motion");
  });
});
