/* The words of scalars. */

import { count } from "../../format";
import type { Dictionary } from "../../words/words.svelte";
import type { Sort } from "./options";
import type { Method } from "./smooth";

interface Words {
  readonly smoothing: string;
  readonly method: string;
  readonly methods: Readonly<Record<Method, string>>;
  readonly axis: string;
  readonly axes: { readonly step: string; readonly relative: string; readonly time: string };
  readonly more: string;
  readonly logX: string;
  readonly logY: string;
  readonly outliers: string;
  readonly smoothedOnly: string;
  readonly sort: string;
  readonly sorts: Readonly<Record<Sort, string>>;
  readonly link: string;
  readonly log: string;
  readonly reset: string;
  readonly png: string;
  readonly svg: string;
  readonly csv: string;
  readonly thinned: (shown: number, total: number) => string;
  readonly clipped: (n: number) => string;
  readonly unplaced: (n: number) => string;
  readonly nan: (n: number) => string;
  readonly infinite: (n: number) => string;
  readonly noPoints: string;
  readonly moreRuns: (n: number) => string;
  readonly step: string;
  readonly run: string;
  readonly value: string;
  readonly smoothed: string;
  readonly time: string;
  readonly least: string;
  readonly greatest: string;
  readonly chart: (tag: string, runs: number) => string;
  readonly smoothNote: (method: string, weight: number) => string;
}

export const WORDS: Dictionary<Words> = {
  en: {
    smoothing: "Smoothing",
    method: "Smoothed by",
    methods: { ema: "Moving average", gaussian: "Gaussian", median: "Median" },
    axis: "Horizontal axis",
    axes: { step: "Step", relative: "Relative", time: "Time" },
    more: "More",
    logX: "Logarithmic x axis",
    logY: "Logarithmic y axis",
    outliers: "Leave outliers out of the scale",
    smoothedOnly: "Smoothed lines only",
    sort: "Order of the tooltip",
    sorts: { nearest: "Nearest", default: "As in the list", ascending: "Ascending", descending: "Descending" },
    link: "Zoom all charts together",
    log: "Logarithmic y axis",
    reset: "Show everything again",
    png: "Save as PNG",
    svg: "Save as SVG",
    csv: "Save all points as CSV",
    thinned: (shown, total) => `${count(shown)} of ${count(total)} points, extremes exact`,
    clipped: (n) => `${count(n)} outside the scale`,
    unplaced: (n) => `${count(n)} ≤ 0 not on this scale`,
    nan: (n) => `${count(n)} NaN`,
    infinite: (n) => `${count(n)} ±∞`,
    noPoints: "No points here",
    moreRuns: (n) => `and ${count(n)} more`,
    step: "Step",
    run: "Run",
    value: "Value",
    smoothed: "Smoothed",
    time: "Time",
    least: "Least",
    greatest: "Greatest",
    chart: (tag, runs) => `Chart of ${tag}, ${runs} ${runs === 1 ? "run" : "runs"}`,
    smoothNote: (method, weight) => `${method} ${weight}`,
  },
  zh: {
    smoothing: "平滑",
    method: "平滑方法",
    methods: { ema: "指数移动平均", gaussian: "高斯", median: "中位数" },
    axis: "横轴",
    axes: { step: "步数", relative: "相对时间", time: "时间" },
    more: "更多",
    logX: "对数横轴",
    logY: "对数纵轴",
    outliers: "缩放时忽略离群点",
    smoothedOnly: "只显示平滑后的曲线",
    sort: "提示框排序",
    sorts: { nearest: "最近", default: "按列表", ascending: "升序", descending: "降序" },
    link: "所有图表一起缩放",
    log: "对数纵轴",
    reset: "恢复全部范围",
    png: "保存为 PNG",
    svg: "保存为 SVG",
    csv: "将所有数据点保存为 CSV",
    thinned: (shown, total) => `显示 ${count(shown)} / ${count(total)} 个点，极值准确`,
    clipped: (n) => `${count(n)} 个点在范围外`,
    unplaced: (n) => `${count(n)} 个点 ≤ 0，无法在此坐标显示`,
    nan: (n) => `${count(n)} 个 NaN`,
    infinite: (n) => `${count(n)} 个 ±∞`,
    noPoints: "此处没有数据点",
    moreRuns: (n) => `还有 ${count(n)} 个`,
    step: "步数",
    run: "运行",
    value: "数值",
    smoothed: "平滑值",
    time: "时间",
    least: "最小",
    greatest: "最大",
    chart: (tag, runs) => `${tag} 的图表，${runs} 个运行`,
    smoothNote: (method, weight) => `${method} ${weight}`,
  },
};
