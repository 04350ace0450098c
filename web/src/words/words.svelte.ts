/* The language of the board and the one way to say something in it.

A dictionary is `{ en, zh }` where both have the same type: a missing word is a type error. Each slice keeps its own dictionary beside it. */

export type Language = "en" | "zh";
export type Dictionary<W> = { readonly en: W; readonly zh: W };

const KEY = "visualdl.language";

function remembered(): Language | null {
  const value = globalThis.localStorage?.getItem(KEY);
  return value === "en" || value === "zh" ? value : null;
}

function spoken(languages: readonly string[]): Language {
  const first = languages.find((l) => /^(en|zh)\b/i.test(l));
  return first?.toLowerCase().startsWith("zh") ? "zh" : "en";
}

let chosen = $state<Language | null>(remembered());
let suggested = $state<Language | null>(null);

/** The present language: the user's choice, else the server's `--language`, else the browser's. Reactive. */
export function language(): Language {
  return chosen ?? suggested ?? spoken(globalThis.navigator?.languages ?? []);
}

/** Choose a language and remember it. */
export function chooseLanguage(value: Language): void {
  chosen = value;
  globalThis.localStorage?.setItem(KEY, value);
}

/** What the server was started with; used until the user chooses. */
export function suggestLanguage(value: string | null): void {
  suggested = value === "en" || value === "zh" ? value : null;
}

/** The words of a dictionary in the present language. Reactive. */
export function say<W>(dictionary: Dictionary<W>): W {
  return dictionary[language()];
}
