/** How tiles divide the wall: layouts by name, each cell in units of a square grid. Pure. */

export const LAYOUTS = ["1", "4", "9", "16", "25", "1+5", "1+7"] as const;
export type LayoutName = (typeof LAYOUTS)[number];

/** `column` and `row` count from 0; `span` cells wide and high. */
export interface Cell {
  readonly column: number;
  readonly row: number;
  readonly span: number;
}

/** `side`: cells of the grid across and down; `cells`: one a tile, in the order of reading, a large one first. */
export interface Layout {
  readonly side: number;
  readonly cells: readonly Cell[];
}

export type Direction = "left" | "right" | "up" | "down";

function uniform(side: number): Layout {
  return { side, cells: Array.from({ length: side * side }, (_, i) => ({ column: i % side, row: Math.floor(i / side), span: 1 })) };
}

/** One large tile at the top left, small ones along its right side and below it. */
function withLarge(side: number): Layout {
  const span = side - 1;
  return { side, cells: [{ column: 0, row: 0, span }, ...uniform(side).cells.filter(({ column, row }) => column >= span || row >= span)] };
}

const BY_NAME: Readonly<Record<LayoutName, Layout>> = {
  "1": uniform(1),
  "4": uniform(2),
  "9": uniform(3),
  "16": uniform(4),
  "25": uniform(5),
  "1+5": withLarge(3),
  "1+7": withLarge(4),
};

export function layoutOf(name: LayoutName): Layout {
  return BY_NAME[name];
}

/** Null for what is no layout's name: an old setting, a newer server's scene. */
export function layoutName(value: unknown): LayoutName | null {
  return LAYOUTS.find((name) => name === String(value)) ?? null;
}

/** Whoever presses the number of tiles gets them: 1+5 has six, 1+7 eight; the squares go by their side. */
export const LAYOUT_KEYS: Readonly<Record<LayoutName, string>> = { "1": "1", "4": "2", "9": "3", "16": "4", "25": "5", "1+5": "6", "1+7": "8" };

/** Where a cell stands, for `grid-area`: CSS lines count from 1. */
export function gridArea({ column, row, span }: Cell): string {
  return `${row + 1} / ${column + 1} / span ${span} / span ${span}`;
}

/** The tile that lies next to tile `from` in a direction; `from` itself at the wall's edge. */
export function neighbour({ cells }: Layout, from: number, direction: Direction): number {
  const here = cells[from];
  if (here === undefined) return from;
  const across = direction === "left" || direction === "right";
  const sign = direction === "right" || direction === "down" ? 1 : -1;
  const along = (cell: Cell): number => (across ? cell.column : cell.row) + cell.span / 2;
  const beside = (cell: Cell): number => (across ? cell.row : cell.column) + cell.span / 2;
  const begins = (cell: Cell): number => (across ? cell.row : cell.column);
  // A tile counts as next to another where they share a stretch of edge.
  const touching = cells
    .map((cell, i) => ({ cell, i }))
    .filter(({ cell, i }) => i !== from && begins(cell) < begins(here) + here.span && begins(here) < begins(cell) + cell.span)
    .filter(({ cell }) => (along(cell) - along(here)) * sign > 0)
    .sort((a, b) => Math.abs(along(a.cell) - along(here)) - Math.abs(along(b.cell) - along(here)) || Math.abs(beside(a.cell) - beside(here)) - Math.abs(beside(b.cell) - beside(here)));
  return touching[0]?.i ?? from;
}
