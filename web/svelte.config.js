// Svelte's own settings: runes everywhere, scoped styles in files (no inline styles).
import { vitePreprocess } from "@sveltejs/vite-plugin-svelte";

export default {
  preprocess: vitePreprocess(),
  compilerOptions: { runes: true },
};
