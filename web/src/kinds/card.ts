/* The contract between the board and a kind's card.

A card is a function of what it is given (data, options, view, size, theme) and a few callbacks. It never fetches, never reads the
URL and knows no other card. `options` belong to the page of its kind and `view` to one card; both are flat and live in the URL. */

import type { Component } from "svelte";
import type { Linked } from "../draw/linked";
import type { Series } from "../wire";

export type Option = string | number | boolean;
export type Options = Readonly<Record<string, Option>>;
export type Theme = "light" | "dark";

/** A run as a card sees it. */
export interface RunView {
  readonly id: string;
  readonly name: string;
  /** The name without the prefix that all runs share. */
  readonly label: string;
  /** CSS colour, the same everywhere on the board, already of the present theme. */
  readonly color: string;
  readonly live: boolean;
  /** Captions that the run set for its tags. */
  readonly captions: Readonly<Record<string, string>>;
}

/** What the user did to one card; in the URL, gone when empty. */
export interface CardView {
  /** Zoomed range on the present horizontal axis. */
  readonly range?: readonly [number, number];
  /** The card takes the whole width of the grid. */
  readonly wide?: boolean;
  /** The vertical scale of this card is the other one (logarithmic instead of straight, or back). */
  readonly log?: boolean;
}

/** A button that the card asks its frame to show in the header (drawn by the frame, so that all look alike). */
export interface CardAction {
  readonly id: string;
  readonly label: string;
  readonly icon: string;
  /** A download address instead of `run`. */
  readonly href?: string;
  readonly run?: () => void;
  readonly pressed?: boolean;
  /** In the "more" menu instead of the header. */
  readonly menu?: boolean;
}

export interface CardProps<O extends Options = Options> {
  readonly tag: string;
  /** The chosen runs that have this tag, in the board's order. One run exactly where the kind is `perRun`. */
  readonly runs: readonly RunView[];
  /** The whole series, by run id, as far as it has come. A run without an entry is still loading. */
  readonly data: ReadonlyMap<string, Series>;
  /** The answer for what `Kind.needs` asked on top (a zoomed range, smoothing of thinned series), by run id. May be one behind. */
  readonly detail: ReadonlyMap<string, Series>;
  /** What `detail` is the answer to. */
  readonly answered: Needs | null;
  readonly options: O;
  readonly view: CardView;
  /** CSS pixels of the card's body. */
  readonly width: number;
  readonly height: number;
  readonly theme: Theme;
  /** The cursor and the zoom that all cards of a page share. */
  readonly linked: Linked;
  /** Address of a blob of a run; address: 16 bytes. */
  readonly blobUrl: (run: string, address: Uint8Array) => string;
  /** Address of all raw points of this tag as CSV. */
  readonly csvUrl: string;
  /** Change what the user did to this card. */
  readonly onview: (view: CardView) => void;
  /** Change the options of the page (an image card with "one slider for all" moves every card). */
  readonly onoptions: (patch: Partial<O>) => void;
  /** Show these buttons in the card's header; call again whenever they change. */
  readonly onactions: (actions: readonly CardAction[]) => void;
  /** A short sentence about what is shown ("2,000 of 1,843,201 points, extremes exact"), or "". */
  readonly onbadge: (badge: string) => void;
}

export interface OptionsProps<O extends Options = Options> {
  readonly options: O;
  readonly onoptions: (patch: Partial<O>) => void;
}

/** What a card wants beyond the whole series. Equal needs are fetched once. */
export interface Needs {
  readonly axis: "step" | "time" | "relative";
  readonly start?: number;
  readonly stop?: number;
  /** `ema:0.6`, `gaussian:0.6`, `median:0.6`. */
  readonly smooth?: string;
  /** Only these runs; all chosen runs when absent. */
  readonly runs?: readonly string[];
}

/** What a kind signs. `O` is flat and its defaults say the type of every option: what differs from them goes into the URL. */
export interface KindView<O extends Options = Options> {
  readonly name: string;
  /** True: one card a (tag, run). False: one card a tag, all chosen runs in it. */
  readonly perRun: boolean;
  readonly defaults: O;
  /** Points asked for a run when `runs` runs share a card of the whole width or not; the server thins to about that many. */
  readonly points: (runs: number, wide: boolean) => number;
  /** CSS pixels of the card's body; width: of the body. */
  readonly bodyHeight: (width: number, options: O, wide: boolean) => number;
  /** Narrowest card in CSS pixels; the grid fits as many columns as it can. */
  readonly minWidth: number;
  /** Data beyond the whole series, or null. Called whenever an argument changes; must be pure and cheap. */
  readonly needs?: (options: O, view: CardView, data: ReadonlyMap<string, Series>) => Needs | null;
  /** The smoothing that `needs` will ask for where a whole series comes thinned, or "": then both come in one answer. */
  readonly smooth?: (options: O, view: CardView) => string;
  /** Join what came after `held` to it, or null when it has to be fetched whole. Default: join every column. */
  readonly join?: (held: Series, more: Series) => Series | null;
  readonly Card: Component<CardProps<O>>;
  readonly Options?: Component<OptionsProps<O>>;
  /** Shown when the kind has no tag: lines of Python that log one. */
  readonly example: string;
}

/** A line of `all.ts`: what the board must know before a kind's code is loaded. */
export interface KindEntry {
  /** As in the API, e.g. `scalar`. */
  readonly name: string;
  /** Route and tab, e.g. `scalars`. */
  readonly page: string;
  readonly title: { readonly en: string; readonly zh: string };
  // The board never looks inside the options of a kind, so their type ends here.
  readonly load: () => Promise<KindView>;
}

/** Forget the type of a kind's options, which only the kind itself reads. */
export function anyKind<O extends Options>(kind: KindView<O>): KindView {
  return kind as unknown as KindView;
}
