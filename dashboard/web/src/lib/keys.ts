/** Keys of a page: bound while it is mounted, silent while somebody writes. */

import { onBeforeUnmount, onMounted } from "vue";

export type Bindings = Readonly<Record<string, (event: KeyboardEvent) => void>>;

/** Whether `target` takes the key for itself: fields always, buttons and links for Space and Enter. */
export function takesKey(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return key !== "Escape";
  const acts = /^(BUTTON|A)$/.test(target.tagName) || target.getAttribute("role") === "option";
  return acts && (key === " " || key === "Enter");
}

/**
 * `bindings` by `KeyboardEvent.key`; single letters in lower case. Read anew at each key. `first`: asked before all
 * others, who do not hear of a key that is taken: for what waits for a second key.
 */
export function useKeys(bindings: () => Bindings, { first = false }: { readonly first?: boolean } = {}): void {
  const onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || takesKey(event.target, event.key)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const action = bindings()[key];
    if (action === undefined) return;
    event.preventDefault();
    if (first) event.stopImmediatePropagation();
    action(event);
  };
  onMounted(() => addEventListener("keydown", onKey, first));
  onBeforeUnmount(() => removeEventListener("keydown", onKey, first));
}
