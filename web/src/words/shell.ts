/* The shell's dictionary. */

import { EN, type Words } from "./en";
import type { Dictionary } from "./words.svelte";
import { ZH } from "./zh";

export const SHELL: Dictionary<Words> = { en: EN, zh: ZH };
