/* The words of the shell in English. zh.ts must say the same. */

import type { LiveState } from "../live";
import { bytesOf, count } from "../format";

export interface Words {
  readonly skipToCharts: string;
  readonly pages: string;
  readonly runs: string;
  readonly filterRuns: string;
  readonly wrongPattern: string;
  readonly showAll: string;
  readonly hideAll: string;
  readonly shownOf: (shown: number, all: number) => string;
  readonly solo: (run: string) => string;
  readonly running: string;
  readonly troubled: (n: number) => string;
  readonly dropped: (n: number) => string;
  readonly gaps: (n: number) => string;
  readonly skipped: (kind: string, n: number) => string;
  readonly noRunMatches: string;
  readonly groups: string;
  readonly allTags: string;
  readonly noGroup: string;
  readonly searchTags: string;
  readonly cards: (n: number) => string;
  readonly noTagMatches: string;
  readonly noRunChosen: string;
  readonly live: Readonly<Record<LiveState, string>>;
  readonly pause: string;
  readonly resume: string;
  readonly language: string;
  readonly theme: string;
  readonly themes: { readonly system: string; readonly light: string; readonly dark: string };
  readonly help: string;
  readonly close: string;
  readonly options: string;
  readonly more: string;
  readonly wide: string;
  readonly narrow: string;
  readonly showRuns: string;
  readonly loadingLogs: (done: number, total: number) => string;
  readonly opening: string;
  readonly noServer: string;
  readonly tryAgain: string;
  readonly nothingYet: string;
  readonly watching: (roots: string) => string;
  readonly nothingOfKind: (kind: string) => string;
  readonly logIt: string;
  readonly appearsByItself: string;
  readonly cardBroke: string;
  readonly seriesFailed: string;
  readonly waiting: string;
  readonly unknownPage: string;
  readonly keys: readonly (readonly [keys: string, does: string])[];
}

export const EN: Words = {
  skipToCharts: "Skip to the charts",
  pages: "Pages",
  runs: "Runs",
  filterRuns: "Filter runs (regex)",
  wrongPattern: "Not a valid regular expression: searched as plain text",
  showAll: "Show all",
  hideAll: "Hide all",
  shownOf: (shown, all) => `${count(shown)} of ${count(all)}`,
  solo: (run) => `Show only ${run}`,
  running: "Still being written",
  troubled: (n) => `${count(n)} ${n === 1 ? "run is" : "runs are"} not shown as a whole`,
  dropped: (n) => `${count(n)} records could not be kept by their writer`,
  gaps: (n) => `${count(n)} damaged ${n === 1 ? "stretch" : "stretches"} in the log`,
  skipped: (kind, n) => `${count(n)} records not shown: ${kind}`,
  noRunMatches: "No run matches the filter",
  groups: "Tags",
  allTags: "All",
  noGroup: "(no group)",
  searchTags: "Search tags (regex)",
  cards: (n) => `${count(n)} ${n === 1 ? "card" : "cards"}`,
  noTagMatches: "No tag matches the search",
  noRunChosen: "No run is shown: switch one on in the list at the left",
  live: { live: "Live", asking: "Live", lost: "Server not reached, trying again", paused: "Paused" },
  pause: "Pause",
  resume: "Go on",
  language: "Language",
  theme: "Theme",
  themes: { system: "As the system", light: "Light", dark: "Dark" },
  help: "Help and keys",
  close: "Close",
  options: "Options",
  more: "More",
  wide: "Full width",
  narrow: "Normal width",
  showRuns: "Runs and tags",
  loadingLogs: (done, total) => {
    const [part, whole] = bytesOf(done, total);
    return `${part} of ${whole} read`;
  },
  opening: "Opening the board",
  noServer: "The server cannot be reached",
  tryAgain: "Try again",
  nothingYet: "Nothing is logged yet",
  watching: (roots) => `Watching ${roots}`,
  nothingOfKind: (kind) => `No ${kind} yet`,
  logIt: "Log it from Python:",
  appearsByItself: "It appears here by itself, no reload needed.",
  cardBroke: "This card could not be drawn",
  seriesFailed: "The points could not be read",
  waiting: "Loading",
  unknownPage: "There is no such page",
  keys: [
    ["?", "this help"],
    ["/", "search tags"],
    ["r", "filter runs"],
    ["1 – 4", "go to a page"],
    ["p", "pause or go on"],
    ["↑ ↓", "move in the run list"],
    ["Space", "show or hide the run"],
    ["s", "show only this run (in the run list)"],
    ["← →", "move the cursor of a chart, or step a slider"],
    ["Home End", "move it to an end"],
    ["+ −", "zoom a chart in and out"],
    ["Esc", "reset the zoom of a chart, close a menu"],
  ],
};
