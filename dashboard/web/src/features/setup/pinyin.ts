/**
 * The first letters of Chinese names: 步行街 → bxj. The browser sorts by pinyin (CLDR's collation), so a character's
 * letter is that of the last boundary that does not come after it. Of a character with several readings the usual one
 * counts. No pinyin begins with i, u or v.
 */

const BOUNDARIES: readonly (readonly [string, string])[] = [
  ["吖", "a"], ["八", "b"], ["嚓", "c"], ["咑", "d"], ["妸", "e"], ["发", "f"], ["旮", "g"], ["哈", "h"], ["丌", "j"], ["咔", "k"], ["垃", "l"], ["妈", "m"],
  ["拏", "n"], ["喔", "o"], ["妑", "p"], ["七", "q"], ["呥", "r"], ["扨", "s"], ["他", "t"], ["屲", "w"], ["夕", "x"], ["丫", "y"], ["帀", "z"],
];
const collator = new Intl.Collator("zh-Hans-u-co-pinyin");

export function initials(text: string): string {
  return [...text].map(initial).join("");
}

function initial(character: string): string {
  if (!/\p{Script=Han}/u.test(character)) return /[\p{L}\p{N}]/u.test(character) ? character.toLowerCase() : "";
  const found = BOUNDARIES.findLast(([first]) => collator.compare(first, character) <= 0);
  return found?.[1] ?? "";
}
