/* What the image card and its options say. */

import type { Dictionary } from "../../words/words.svelte";

interface Words {
  readonly together: string;
  readonly togetherHint: string;
  readonly real: string;
  readonly smooth: string;
  readonly smoothHint: string;
  readonly brightness: string;
  readonly contrast: string;
  readonly reset: string;
  readonly step: string;
  readonly stepIs: (step: string) => string;
  readonly earlier: string;
  readonly later: string;
  readonly newest: string;
  readonly follows: string;
  readonly enlarge: string;
  readonly shrink: string;
  readonly fit: string;
  readonly oneToOne: string;
  readonly fullScreen: string;
  readonly close: string;
  readonly savePng: string;
  readonly size: string;
  readonly ofAll: (index: string, all: string) => string;
  readonly clipped: (values: string, low: string, high: string) => string;
  readonly nonfinite: (values: string) => string;
  readonly overtaken: string;
  readonly broken: string;
  readonly notAPicture: string;
  readonly picture: (tag: string, run: string, step: string) => string;
  readonly stage: string;
}

export const WORDS: Dictionary<Words> = {
  en: {
    together: "One slider for all",
    togetherHint: "Moving one slider moves all to that step, or the last one before it",
    real: "Real size",
    smooth: "Smooth",
    smoothHint: "Smooth enlarged pixels instead of showing them as squares",
    brightness: "Brightness",
    contrast: "Contrast",
    reset: "Reset",
    step: "step",
    stepIs: (step) => `step ${step}`,
    earlier: "Earlier step",
    later: "Later step",
    newest: "Newest",
    follows: "Show the newest step and follow it",
    enlarge: "Zoom in",
    shrink: "Zoom out",
    fit: "Fit",
    oneToOne: "Real size",
    fullScreen: "Full screen",
    close: "Close",
    savePng: "Save the picture as logged",
    size: "width × height",
    ofAll: (index, all) => `${index} of ${all}`,
    clipped: (values, low, high) => `values outside ${low}…${high}, clipped: ${values}`,
    nonfinite: (values) => `values that are NaN or ±∞: ${values}`,
    overtaken: "overtaken by a restart",
    broken: "This picture cannot be shown",
    notAPicture: "its bytes are not a picture",
    picture: (tag, run, step) => `${tag}, ${run}, step ${step}`,
    stage: "Picture. Plus and minus zoom, arrow keys pan, 0 fits, 1 is real size.",
  },
  zh: {
    together: "统一滑块",
    togetherHint: "移动一个滑块，所有图像都转到该步或其前最近的一步",
    real: "实际大小",
    smooth: "平滑",
    smoothHint: "放大时平滑像素，而不显示为方块",
    brightness: "亮度",
    contrast: "对比度",
    reset: "重置",
    step: "步",
    stepIs: (step) => `第 ${step} 步`,
    earlier: "前一步",
    later: "后一步",
    newest: "最新",
    follows: "显示并跟随最新一步",
    enlarge: "放大",
    shrink: "缩小",
    fit: "适应",
    oneToOne: "实际大小",
    fullScreen: "全屏",
    close: "关闭",
    savePng: "保存原始图片",
    size: "宽 × 高",
    ofAll: (index, all) => `第 ${index} / ${all} 张`,
    clipped: (values, low, high) => `${values} 个值超出 ${low}…${high}，已截断`,
    nonfinite: (values) => `${values} 个值为 NaN 或 ±∞`,
    overtaken: "已被重启后的记录取代",
    broken: "无法显示此图片",
    notAPicture: "其内容不是图片",
    picture: (tag, run, step) => `${tag}，${run}，第 ${step} 步`,
    stage: "图片。加减号缩放，方向键平移，0 适应，1 实际大小。",
  },
};
