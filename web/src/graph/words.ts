/* The words of the Graphs page. */

import type { Dictionary } from "../words/words.svelte";
import type { Family } from "./family";

export interface GraphWords {
  readonly search: string;
  readonly found: (at: number, of: number) => string;
  readonly nothingFound: string;
  readonly previous: string;
  readonly next: string;
  readonly fit: string;
  readonly zoomIn: string;
  readonly zoomOut: string;
  readonly openAll: string;
  readonly closeAll: string;
  readonly direction: string;
  readonly down: string;
  readonly across: string;
  readonly constants: string;
  readonly download: string;
  readonly asPng: string;
  readonly asSvg: string;
  readonly saved: (percent: number) => string;
  readonly tooLarge: string;
  readonly openFile: string;
  readonly fileKinds: string;
  readonly dropHere: string;
  readonly ownModel: string;
  readonly backToOwn: string;
  readonly emptyTitle: string;
  readonly emptyNote: string;
  readonly startWith: string;
  readonly orDrop: string;
  readonly loading: string;
  readonly reading: (name: string) => string;
  readonly layingOut: string;
  readonly failed: string;
  /** Why the server would not show a model, from its own English sentence. */
  readonly refused: (status: number, sentence: string) => string;
  readonly layoutFailed: string;
  readonly tryAgain: string;
  readonly picture: (name: string, boxes: number) => string;
  readonly pictureKeys: string;
  readonly map: string;
  readonly outline: string;
  readonly showOutline: string;
  readonly details: string;
  readonly close: string;
  readonly nodes: (n: number) => string;
  readonly tensors: (n: number) => string;
  readonly families: Readonly<Record<Family, string>>;
  readonly legend: string;
  readonly scalar: string;
  readonly model: string;
  readonly file: string;
  readonly format: string;
  readonly producer: string;
  readonly irVersion: string;
  readonly opsets: string;
  readonly parameters: string;
  readonly stored: string;
  readonly functions: string;
  readonly calls: (n: number) => string;
  readonly notes: string;
  readonly metadata: string;
  readonly doc: string;
  /** What known keys of a node's metadata hold. */
  readonly metadataNames: Readonly<Record<string, string>>;
  readonly operator: string;
  readonly domain: string;
  readonly name: string;
  readonly scope: string;
  readonly root: string;
  readonly className: string;
  readonly inputs: string;
  readonly outputs: string;
  readonly leftOut: string;
  readonly attributes: string;
  readonly weights: string;
  readonly madeBy: string;
  readonly readBy: string;
  readonly operators: string;
  readonly kind: string;
  readonly kinds: Readonly<
    Record<"scope" | "module" | "function" | "body" | "node" | "input" | "output" | "weight", string>
  >;
  readonly typeAndShape: string;
  readonly unknown: string;
  readonly size: string;
  readonly external: (path: string) => string;
  readonly firstValues: string;
  readonly sparse: string;
  readonly open: string;
  readonly shut: string;
  readonly goTo: (name: string) => string;
  readonly more: (n: number) => string;
  readonly showMore: string;
  readonly hiddenNodes: (n: number) => string;
  readonly subgraphs: string;
}

/* What the server's sentences say to do, by what they hold. */
const ADVICE: readonly (readonly [holds: string, advice: string])[] = [
  ["the file is empty", "文件是空的。"],
  [
    "is never opened",
    "它像是 pickle 文件（也许是旧的 PyTorch 检查点）。pickle 是程序，永远不会被打开；请用 torch.onnx.export 导出模型。",
  ],
  [
    "torch.onnx.export",
    "它像是 PyTorch 或 safetensors 的文件，而不是 ONNX 模型；请用 torch.onnx.export 导出模型，再选择导出的文件。",
  ],
  ["convert it to ONNX", "它像是另一种格式的模型；请先转换为 ONNX，再选择转换后的文件。"],
  ["unpack it first", "它像是压缩文件，请先解压。"],
  ["git lfs pull", "它是 Git LFS 的指针文件；请用 git lfs pull 取得文件本身。"],
  ["--logdir", "它是 VisualDL 的日志；请用 --logdir 打开它所在的文件夹。"],
  ["a web page", "它像是网页，也许下载时出了错；请重新下载。"],
];

function refusedInChinese(status: number, sentence: string): string {
  if (status === 408) return "模型文件的上传中断了，请再试一次。";
  if (status === 413) return `模型文件太大：最大 ${/\d+ MiB/.exec(sentence)?.[0] ?? ""}。`;
  if (status === 503) return "正在读取的模型文件太多，请稍后再试。";
  const advice = ADVICE.find(([holds]) => sentence.includes(holds))?.[1];
  return advice === undefined ? `服务器的答复：${sentence}` : `这不是可以显示的 ONNX 文件。${advice}`;
}

const EN: GraphWords = {
  search: "Search the graph",
  found: (at, of) => `${at} of ${of}`,
  nothingFound: "Nothing found",
  previous: "Previous match",
  next: "Next match",
  fit: "Show the whole graph",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  openAll: "Open all modules",
  closeAll: "Close all modules",
  direction: "Direction",
  down: "Top to bottom",
  across: "Left to right",
  constants: "Weights and constants",
  download: "Save the whole graph",
  asPng: "Save as PNG",
  asSvg: "Save as SVG",
  saved: (percent) => `Saved at ${percent}% of its size: browsers draw no larger picture. SVG has no such limit.`,
  tooLarge: "The graph is too large for a PNG in this browser: save it as SVG",
  openFile: "Open a model file",
  fileKinds: "ONNX",
  dropHere: "Drop an ONNX file to see its graph",
  ownModel: "Shown from your file; nothing of it is kept",
  backToOwn: "Back to the board's model",
  emptyTitle: "No model yet",
  emptyNote: "Export a network to ONNX, for example with PyTorch:",
  startWith: "Then start the board with it:",
  orDrop: "Or drop an ONNX file anywhere on this page",
  loading: "Loading the graph",
  reading: (name) => `Reading ${name}`,
  layingOut: "Laying out the graph",
  failed: "The graph cannot be shown",
  refused: (_, sentence) => sentence,
  layoutFailed: "The graph could not be laid out",
  tryAgain: "Try again",
  picture: (name, boxes) => `Graph of ${name}, ${boxes} boxes shown. The outline beside it says the same in words.`,
  pictureKeys:
    "Arrow keys move, + and - zoom, 0 shows all, Enter opens or closes the chosen module, Escape chooses nothing",
  map: "Overview map",
  outline: "Outline",
  showOutline: "Outline of the graph",
  details: "Details",
  close: "Close",
  nodes: (n) => `${n} ${n === 1 ? "node" : "nodes"}`,
  tensors: (n) => `${n} tensors`,
  families: {
    linear: "Linear",
    activation: "Activation",
    norm: "Normalization",
    pool: "Pool and reduce",
    math: "Arithmetic",
    shape: "Shape",
    control: "Control flow",
    quantize: "Quantization",
    constant: "Constant",
    io: "Input and output",
    other: "Other",
  },
  legend: "Colours",
  scalar: "scalar",
  model: "Model",
  file: "File",
  format: "Format",
  producer: "Producer",
  irVersion: "IR version",
  opsets: "Operator sets",
  parameters: "Parameters",
  stored: "Size of weights",
  functions: "Functions",
  calls: (n) => `${n} ${n === 1 ? "call" : "calls"}`,
  notes: "Not shown",
  metadata: "Metadata",
  doc: "Description",
  metadataNames: { "pkg.torch.onnx.stack_trace": "Where in the source", "pkg.torch.onnx.fx_node": "FX node" },
  operator: "Operator",
  domain: "Domain",
  name: "Name",
  scope: "Module",
  root: "Model",
  className: "Class",
  inputs: "Inputs",
  outputs: "Outputs",
  leftOut: "left out",
  attributes: "Attributes",
  weights: "Weights",
  madeBy: "Made by",
  readBy: "Read by",
  operators: "Operators",
  kind: "Kind",
  kinds: {
    scope: "Module",
    module: "Module",
    function: "Function",
    body: "Sub-graph",
    node: "Operator",
    input: "Input",
    output: "Output",
    weight: "Weight",
  },
  typeAndShape: "Type",
  unknown: "not told by the file",
  size: "Size",
  external: (path) => `Kept in another file, ${path}`,
  firstValues: "First values",
  sparse: "sparse",
  open: "Open",
  shut: "Close",
  goTo: (name) => `Go to ${name}`,
  more: (n) => `and ${n} more`,
  showMore: "Show all",
  hiddenNodes: (n) => `${n} constant ${n === 1 ? "node" : "nodes"} left out`,
  subgraphs: "Sub-graphs",
};

const ZH: GraphWords = {
  search: "搜索计算图",
  found: (at, of) => `第 ${at} 个，共 ${of} 个`,
  nothingFound: "没有找到",
  previous: "上一个",
  next: "下一个",
  fit: "显示整个计算图",
  zoomIn: "放大",
  zoomOut: "缩小",
  openAll: "展开所有模块",
  closeAll: "折叠所有模块",
  direction: "方向",
  down: "从上到下",
  across: "从左到右",
  constants: "权重和常量",
  download: "保存整个计算图",
  asPng: "保存为 PNG",
  asSvg: "保存为 SVG",
  saved: (percent) => `已按 ${percent}% 的尺寸保存：浏览器无法绘制更大的图片。SVG 没有此限制。`,
  tooLarge: "计算图太大，此浏览器无法保存为 PNG：请保存为 SVG",
  openFile: "打开模型文件",
  fileKinds: "ONNX",
  dropHere: "将 ONNX 文件拖放到此处查看计算图",
  ownModel: "显示的是你的文件，服务器不会保留它",
  backToOwn: "返回看板的模型",
  emptyTitle: "还没有模型",
  emptyNote: "将网络导出为 ONNX，例如用 PyTorch：",
  startWith: "然后用它启动看板：",
  orDrop: "也可以将 ONNX 文件拖放到本页任意位置",
  loading: "正在加载计算图",
  reading: (name) => `正在读取 ${name}`,
  layingOut: "正在布局计算图",
  failed: "无法显示计算图",
  refused: refusedInChinese,
  layoutFailed: "无法布局计算图",
  tryAgain: "重试",
  picture: (name, boxes) => `${name} 的计算图，显示 ${boxes} 个方框。旁边的大纲以文字给出同样的内容。`,
  pictureKeys: "方向键移动，+ 和 - 缩放，0 显示全部，Enter 展开或折叠所选模块，Escape 取消选择",
  map: "缩略图",
  outline: "大纲",
  showOutline: "计算图大纲",
  details: "详情",
  close: "关闭",
  nodes: (n) => `${n} 个节点`,
  tensors: (n) => `${n} 个张量`,
  families: {
    linear: "线性",
    activation: "激活",
    norm: "归一化",
    pool: "池化与归约",
    math: "算术",
    shape: "形状",
    control: "控制流",
    quantize: "量化",
    constant: "常量",
    io: "输入和输出",
    other: "其他",
  },
  legend: "颜色",
  scalar: "标量",
  model: "模型",
  file: "文件",
  format: "格式",
  producer: "生成工具",
  irVersion: "IR 版本",
  opsets: "算子集",
  parameters: "参数量",
  stored: "权重大小",
  functions: "函数",
  calls: (n) => `${n} 次调用`,
  notes: "未显示",
  metadata: "元数据",
  doc: "说明",
  metadataNames: { "pkg.torch.onnx.stack_trace": "源代码位置", "pkg.torch.onnx.fx_node": "FX 节点" },
  operator: "算子",
  domain: "域",
  name: "名称",
  scope: "模块",
  root: "模型",
  className: "类",
  inputs: "输入",
  outputs: "输出",
  leftOut: "省略",
  attributes: "属性",
  weights: "权重",
  madeBy: "来自",
  readBy: "去往",
  operators: "算子",
  kind: "种类",
  kinds: {
    scope: "模块",
    module: "模块",
    function: "函数",
    body: "子图",
    node: "算子",
    input: "输入",
    output: "输出",
    weight: "权重",
  },
  typeAndShape: "类型",
  unknown: "文件未说明",
  size: "大小",
  external: (path) => `保存在另一个文件 ${path} 中`,
  firstValues: "前几个值",
  sparse: "稀疏",
  open: "展开",
  shut: "折叠",
  goTo: (name) => `转到 ${name}`,
  more: (n) => `还有 ${n} 个`,
  showMore: "显示全部",
  hiddenNodes: (n) => `省略了 ${n} 个常量节点`,
  subgraphs: "子图",
};

/** The dictionary of the Graphs page. */
export const GRAPH: Dictionary<GraphWords> = { en: EN, zh: ZH };
