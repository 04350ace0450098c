/* Operators by family, and a colour for each family on light and dark paper. */

import type { Theme } from "../draw/ink";

export type Family =
  "linear" | "activation" | "norm" | "pool" | "math" | "shape" | "control" | "quantize" | "constant" | "io" | "other";

/** In the order of the legend. */
export const FAMILIES: readonly Family[] = [
  "linear",
  "activation",
  "norm",
  "pool",
  "math",
  "shape",
  "control",
  "quantize",
  "constant",
  "io",
  "other",
];

const OPS: Readonly<Partial<Record<Family, string>>> = {
  linear:
    "Conv ConvTranspose ConvInteger QLinearConv DeformConv Gemm MatMul MatMulInteger QLinearMatMul Einsum LSTM GRU RNN Attention MultiHeadAttention GroupQueryAttention RotaryEmbedding FusedConv FusedGemm FusedMatMul MatMulNBits TfIdfVectorizer",
  activation:
    "Relu LeakyRelu PRelu Elu Selu Celu Gelu FastGelu QuickGelu BiasGelu Sigmoid HardSigmoid HardSwish Swish Silu Tanh Softplus Softsign Softmax LogSoftmax Hardmax ThresholdedRelu Mish Erf Shrink Dropout",
  norm: "BatchNormalization InstanceNormalization LayerNormalization GroupNormalization RMSNormalization SimplifiedLayerNormalization SkipLayerNormalization SkipSimplifiedLayerNormalization LRN LpNormalization MeanVarianceNormalization",
  pool: "MaxPool AveragePool LpPool GlobalMaxPool GlobalAveragePool GlobalLpPool MaxRoiPool RoiAlign MaxUnpool ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare ArgMax ArgMin TopK CumSum",
  math: "Add Sub Mul Div Pow Sqrt Exp Log Neg Abs Reciprocal Sum Mean Max Min Mod Sign Floor Ceil Round Clip Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh And Or Xor Not Equal Greater GreaterOrEqual Less LessOrEqual Where IsNaN IsInf BitShift BitwiseAnd BitwiseOr BitwiseXor BitwiseNot Det DFT STFT",
  shape:
    "Reshape Transpose Flatten Squeeze Unsqueeze Concat Split Slice Gather GatherElements GatherND Scatter ScatterElements ScatterND Expand Tile Pad Shape Size Identity Cast CastLike Resize Upsample DepthToSpace SpaceToDepth NonZero OneHot Range EyeLike Trilu ReverseSequence Compress Unique CenterCropPad Col2Im GridSample AffineGrid",
  control:
    "If Loop Scan SequenceMap SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength SplitToSequence ConcatFromSequence Optional OptionalGetElement OptionalHasElement",
  quantize: "QuantizeLinear DequantizeLinear DynamicQuantizeLinear",
  constant:
    "Constant ConstantOfShape RandomNormal RandomNormalLike RandomUniform RandomUniformLike Bernoulli Multinomial",
};

const FAMILY_OF = new Map<string, Family>();
for (const family of FAMILIES)
  for (const op of (OPS[family] ?? "").split(" ")) if (op !== "") FAMILY_OF.set(op, family);

/** The family of an operator of any domain; `other` for one that we do not know. */
export function familyOf(op: string): Family {
  return FAMILY_OF.get(op) ?? "other";
}

interface Paint {
  readonly fill: string;
  readonly edge: string;
}

const PAINTS: Readonly<Record<Theme, Readonly<Record<Family, Paint>>>> = {
  light: {
    linear: { fill: "#e3eefe", edge: "#2f7ae5" },
    activation: { fill: "#fdecd8", edge: "#d9761a" },
    norm: { fill: "#e0f3e4", edge: "#2c9a4b" },
    pool: { fill: "#efe7fb", edge: "#8452cc" },
    math: { fill: "#dbf2f3", edge: "#0f93a1" },
    shape: { fill: "#eceef1", edge: "#7d8794" },
    control: { fill: "#fce4ef", edge: "#cd4290" },
    quantize: { fill: "#f4ead9", edge: "#94701a" },
    constant: { fill: "#f1f1dc", edge: "#8d8a1d" },
    io: { fill: "#1b1f24", edge: "#1b1f24" },
    other: { fill: "#f3f4f6", edge: "#9aa2ae" },
  },
  dark: {
    linear: { fill: "#1c2f4d", edge: "#6ba5ff" },
    activation: { fill: "#43301c", edge: "#f0a25c" },
    norm: { fill: "#1b3824", edge: "#66bd7e" },
    pool: { fill: "#33264a", edge: "#b394ea" },
    math: { fill: "#14383c", edge: "#43c4d1" },
    shape: { fill: "#2a2f36", edge: "#8d97a5" },
    control: { fill: "#44223a", edge: "#e48bb8" },
    quantize: { fill: "#3b2f17", edge: "#cfa84d" },
    constant: { fill: "#35351a", edge: "#b8b54f" },
    io: { fill: "#e7eaee", edge: "#e7eaee" },
    other: { fill: "#24282e", edge: "#727b88" },
  },
};

/** Fill and edge of a family's boxes. */
export function paintOf(family: Family, theme: Theme): Paint {
  return PAINTS[theme][family];
}
