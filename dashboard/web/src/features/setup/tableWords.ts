/** What is wrong with a table or one of its rows, in the reader's language. */

import { ApiError, sentences } from "@/lib/api";
import type { Key, Words } from "@/lib/i18n";
import type { CellFault } from "@/lib/model";

export function cellWords({ column, code, value }: CellFault, { t }: Pick<Words, "t">): string {
  return t(`setup.cell.${code}`, { column: t(`setup.column.${column}`), value: value ?? "" });
}

/** As `sentences`; of a file that is no table, why it is none: missing columns by the names that they must have. */
export function tableSentences(error: unknown, words: Pick<Words, "t" | "word">): { text: string; action: string } {
  const said = sentences(error, words);
  const reason = error instanceof ApiError && error.code === "no_table" ? error.detail["reason"] : null;
  if (!(error instanceof ApiError) || typeof reason !== "string") return said;
  const why = words.t(`setup.table.${reason}` as Key, { value: String(error.detail["value"] ?? "") });
  return { ...said, text: why };
}
