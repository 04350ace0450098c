/* The colours of pictures: inks for both themes, and a colour for every run.

Pictures read their colours here and not from CSS: a canvas and a saved file have no style sheet. The values are those of theme.css. */

export type Theme = "light" | "dark";

export interface Inks {
  readonly paper: string;
  readonly text: string;
  /** Axis labels. */
  readonly soft: string;
  readonly grid: string;
  readonly axis: string;
  readonly accent: string;
  readonly warn: string;
}

export const INKS: Readonly<Record<Theme, Inks>> = {
  light: {
    paper: "#ffffff",
    text: "#1b1f24",
    soft: "#667080",
    grid: "#eef0f3",
    axis: "#d5d9e0",
    accent: "#1f6feb",
    warn: "#b54708",
  },
  dark: {
    paper: "#16191e",
    text: "#e7eaee",
    soft: "#939cab",
    grid: "#23272e",
    axis: "#3a404a",
    accent: "#6ba5ff",
    warn: "#f5a55b",
  },
};

export const FONT =
  "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif";
/** The font of axis labels. */
export const LABEL_FONT = `11px ${FONT}`;

/* Twenty-four colours, farthest apart in OKLab for light paper (the first eight chosen by hand), and their twins of the same hue, for dark paper. */
// prettier-ignore
const ON_LIGHT = [
  "#1a6fe1", "#e77412", "#269143", "#cd4290", "#13a5b2", "#c9302d", "#7945c5", "#928a07",
  "#43c01a", "#4303af", "#e963e1", "#a81ba3", "#770a4d", "#a98cf4", "#4ea6fb", "#064180",
  "#3d4900", "#097689", "#d08a9f", "#7f422d", "#865582", "#83b07a", "#a56a48", "#6c6d29",
] as const;
// prettier-ignore
const ON_DARK = [
  "#78a5ef", "#f5a06f", "#69ba7c", "#dd84af", "#3bcddc", "#e6857e", "#b093e5", "#b0a946",
  "#c0ef5c", "#6f6de8", "#b950b2", "#f2aff6", "#d5455d", "#88779d", "#b8e1ff", "#1b8abd",
  "#37981b", "#22faf1", "#ffcbd5", "#b16f23", "#fb86e4", "#6d8967", "#e86518", "#f0c543",
] as const;

/** The colour of the run with this number: the same in every chart, legend and list. After the first 24, hues turn by the golden angle. */
export function runColor(index: number, theme: Theme): string {
  const known = (theme === "light" ? ON_LIGHT : ON_DARK)[index];
  if (known !== undefined) return known;
  const hue = Math.round((index * 137.508) % 360);
  const shade = [0, 10, -8][index % 3] ?? 0;
  return theme === "light" ? `hsl(${hue} 62% ${43 + shade}%)` : `hsl(${hue} 62% ${66 + shade}%)`;
}
