/* What the histogram card and its options say. */

import type { Dictionary } from "../../words/words.svelte";

interface Words {
  readonly mode: string;
  readonly ridge: string;
  readonly overlay: string;
  readonly bands: string;
  readonly heat: string;
  readonly bins: string;
  readonly log: string;
  readonly values: string;
  readonly steps: string;
  readonly from: string;
  readonly to: string;
  readonly ranges: string;
  readonly reset: string;
  readonly stepIs: (step: string) => string;
  readonly bucket: string;
  readonly outside: string;
  readonly count: string;
  readonly total: string;
  readonly greatest: string;
  readonly median: string;
  readonly least: string;
  readonly savePng: string;
  readonly saveSvg: string;
  readonly saveCsv: string;
  readonly nothingFinite: (values: string) => string;
  readonly nothingInRange: string;
  readonly drawn: (drawn: string, all: string) => string;
  readonly broken: (steps: string) => string;
  readonly overtaken: (steps: string) => string;
  readonly chart: (tag: string, run: string, steps: string) => string;
  readonly logNote: string;
}

export const WORDS: Dictionary<Words> = {
  en: {
    mode: "Shape",
    ridge: "Offset",
    overlay: "Overlay",
    bands: "Quantiles",
    heat: "Heat",
    bins: "Bins",
    log: "Log counts",
    values: "Values",
    steps: "Steps",
    from: "from",
    to: "to",
    ranges: "Range",
    reset: "All steps",
    stepIs: (step) => `step ${step}`,
    bucket: "bucket",
    outside: "no bucket here",
    count: "count",
    total: "values",
    greatest: "greatest",
    median: "median",
    least: "least",
    savePng: "Save as PNG",
    saveSvg: "Save as SVG",
    saveCsv: "Save these steps as CSV",
    nothingFinite: (values) => `None of the ${values} values of this histogram is finite.`,
    nothingInRange: "No histogram lies in the chosen steps.",
    drawn: (drawn, all) => `${drawn} of ${all}`,
    broken: (steps) => `NaN or ±∞ in shown steps: ${steps}`,
    overtaken: (steps) => `overtaken by a restart and not drawn: ${steps}`,
    chart: (tag, run, steps) => `Histograms of ${tag}, ${run}, ${steps} steps. Arrow keys choose a step.`,
    logNote: "logarithmic counts",
  },
  zh: {
    mode: "样式",
    ridge: "错开",
    overlay: "重叠",
    bands: "分位数",
    heat: "热力图",
    bins: "桶数",
    log: "对数计数",
    values: "数值",
    steps: "步",
    from: "从",
    to: "到",
    ranges: "范围",
    reset: "全部步",
    stepIs: (step) => `第 ${step} 步`,
    bucket: "桶",
    outside: "此处无桶",
    count: "计数",
    total: "数值个数",
    greatest: "最大",
    median: "中位数",
    least: "最小",
    savePng: "保存为 PNG",
    saveSvg: "保存为 SVG",
    saveCsv: "将所示步保存为 CSV",
    nothingFinite: (values) => `此直方图的 ${values} 个数值都不是有限值。`,
    nothingInRange: "所选步的范围内没有直方图。",
    drawn: (drawn, all) => `${drawn} / ${all}`,
    broken: (steps) => `所示步中有 ${steps} 步含 NaN 或 ±∞`,
    overtaken: (steps) => `${steps} 步被重启后的记录取代，未绘出`,
    chart: (tag, run, steps) => `${tag} 的直方图，${run}，共 ${steps} 步。用方向键选择步。`,
    logNote: "对数计数",
  },
};
