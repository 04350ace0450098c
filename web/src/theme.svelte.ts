/* Light, dark or as the system is: chosen here, remembered in this browser, shown by `data-theme` on the root. */

import type { Theme } from "./draw/ink";

export type ThemeChoice = "system" | Theme;
const KEY = "visualdl.theme";

function remembered(): ThemeChoice {
  const value = globalThis.localStorage?.getItem(KEY);
  return value === "light" || value === "dark" ? value : "system";
}

const dark = globalThis.matchMedia?.("(prefers-color-scheme: dark)");
let choice = $state<ThemeChoice>(remembered());
let systemDark = $state(dark?.matches ?? false);
dark?.addEventListener("change", (event) => (systemDark = event.matches));
mark(remembered());

/** What the reader chose. Reactive. */
export function themeChoice(): ThemeChoice {
  return choice;
}

/** What is shown. Reactive. */
export function theme(): Theme {
  return choice === "system" ? (systemDark ? "dark" : "light") : choice;
}

export function chooseTheme(value: ThemeChoice): void {
  choice = value;
  if (value === "system") globalThis.localStorage?.removeItem(KEY);
  else globalThis.localStorage?.setItem(KEY, value);
  mark(value);
}

function mark(value: ThemeChoice): void {
  const root = globalThis.document?.documentElement;
  if (root === undefined) return;
  if (value === "system") delete root.dataset.theme;
  else root.dataset.theme = value;
}
