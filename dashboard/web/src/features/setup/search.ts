/** Which cameras a search finds: by words of the name, the number, the id, or pinyin initials. */

import { initials } from "./pinyin";

export interface Findable {
  readonly id: string;
  readonly number: number;
  /** All names that people call it by, of its place too. */
  readonly names: readonly string[];
}

/** Every word of the search must be found; an empty search finds all. */
export function finds(camera: Findable, search: string): boolean {
  const names = camera.names.map((name) => name.toLowerCase());
  const letters = camera.names.map(initials);
  return search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "")
    .every((word) => String(camera.number) === word || camera.id.toLowerCase().includes(word) || [...names, ...letters].some((text) => text.includes(word)));
}
