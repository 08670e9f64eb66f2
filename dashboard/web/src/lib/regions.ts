/** The region tree as pages walk it. Pure. */

import type { RegionInfo } from "@/lib/model";

/** From a root down to the region, both included; empty where there is no such region. */
export function pathTo(roots: readonly RegionInfo[], id: string): readonly RegionInfo[] {
  for (const region of roots) {
    if (region.id === id) return [region];
    const below = pathTo(region.children ?? [], id);
    if (below.length > 0) return [region, ...below];
  }
  return [];
}

/** The ids of these regions and of all below them. */
export function idsOf(regions: readonly RegionInfo[]): ReadonlySet<string> {
  return new Set(regions.flatMap((region) => [region.id, ...idsOf(region.children ?? [])]));
}
