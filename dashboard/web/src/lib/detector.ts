/** What the node looks at pictures with, where people must know that it is not a model for them. Pure. */

/** The detector that comes with the product: it knows the simulator's drawn scenes and nothing else. */
export const SCENES_ONLY = "xueliang_scenes";

export type DetectorNotice = "motion" | "scenes";

/** `ids`: detectors of the cameras' workers. The worst of them is told. */
export function detectorNotice(ids: readonly string[]): DetectorNotice | null {
  if (ids.includes("motion")) return "motion";
  return ids.includes(SCENES_ONLY) ? "scenes" : null;
}
