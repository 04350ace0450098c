/* The pages of the board, in the order of their tabs: one for each kind, then those that are no kind's. */

import type { Component } from "svelte";
import { KINDS } from "../kinds/all";
import type { KindEntry } from "../kinds/card";

export interface PageEntry {
  readonly page: string;
  readonly title: { readonly en: string; readonly zh: string };
  /** A page of cards … */
  readonly kind?: KindEntry;
  /** … or a component of its own. */
  readonly load?: () => Promise<Component<PageProps>>;
}

/** What a page of its own is given. */
export interface PageProps {
  /** Flat state of the page from the query part of the hash, and how to change it (undefined removes a key). */
  readonly params: Readonly<Record<string, string>>;
  readonly onparams: (patch: Readonly<Record<string, string | undefined>>) => void;
  readonly theme: "light" | "dark";
  /** True when the server was given a model file. */
  readonly graph: boolean;
  /** Grows when a run or tag appears, or the model was read anew. */
  readonly structure: number;
  /** A file that was dropped on another page, until it is taken. */
  readonly dropped: File | null;
  readonly ontake: () => void;
}

const GRAPHS: PageEntry = {
  page: "graphs",
  title: { en: "Graphs", zh: "计算图" },
  load: () => import("../graph/GraphPage.svelte").then((module) => module.default),
};

export const PAGES: readonly PageEntry[] = [
  ...KINDS.map((kind) => ({ page: kind.page, title: kind.title, kind })),
  GRAPHS,
];
