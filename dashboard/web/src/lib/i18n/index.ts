/** The dictionary in use. The language is the reader's choice and is kept in this browser. */

import { computed, inject, provide, ref, watchEffect, type InjectionKey, type Ref } from "vue";

import { en } from "./en";
import { zh, type Key } from "./zh";

export type { Key } from "./zh";
export type Language = "zh" | "en";
export type Translate = (key: Key, values?: Readonly<Record<string, string | number>>) => string;

export interface Words {
  readonly language: Ref<Language>;
  readonly t: Translate;
  /** `fault` + `frozen` → that word; an unknown word gives the group's `fallback`. */
  readonly word: (group: string, name: string | null | undefined, fallback: Key) => string;
  /** The name of a thing in the reader's language; the Chinese one where it has no other. */
  readonly name: (thing: { readonly name: string; readonly name_en?: string | null } | undefined, fallback: string) => string;
}

const DICTIONARIES: Readonly<Record<Language, Readonly<Record<Key, string>>>> = { zh, en };
const STORE = "xueliang.language";
const WORDS: InjectionKey<Words> = Symbol("words");

/** `{n}` is a value; `{n|event|events}` the word for one, and for any other number. */
export function fill(text: string, values: Readonly<Record<string, string | number>> = {}): string {
  return text.replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (whole, name: string, one?: string, more?: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return one === undefined || more === undefined ? String(value) : String(value) === "1" ? one : more;
  });
}

export function makeWords(storage: Pick<Storage, "getItem" | "setItem">): Words {
  const language = ref<Language>(storage.getItem(STORE) === "en" ? "en" : "zh");
  const dictionary = computed(() => DICTIONARIES[language.value]);
  watchEffect(() => {
    storage.setItem(STORE, language.value);
    if (typeof document !== "undefined") document.documentElement.lang = language.value === "zh" ? "zh-CN" : "en";
  });
  return {
    language,
    t: (key, values) => fill(dictionary.value[key], values),
    word: (group, name, fallback) => {
      const key = `${group}.${name ?? ""}`;
      return key in zh ? dictionary.value[key as Key] : dictionary.value[fallback];
    },
    name: (thing, fallback) => (language.value === "en" ? thing?.name_en : null) ?? thing?.name ?? fallback,
  };
}

export function provideWords(words: Words, app?: { provide: (key: InjectionKey<Words>, value: Words) => unknown }): void {
  if (app === undefined) provide(WORDS, words);
  else app.provide(WORDS, words);
}

export function useWords(): Words {
  const words = inject(WORDS);
  if (words === undefined) throw new Error("no dictionary: the application provides one before it mounts");
  return words;
}
