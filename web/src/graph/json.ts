/* A model graph as `api/graph` answers it (docs/graph.md), and what may be shown of its texts. */

export type Dim = number | string | null;

export interface ValueType {
  readonly type: string;
  readonly shape: readonly Dim[] | null;
}
export interface TensorJson {
  readonly type: string;
  readonly shape: readonly Dim[];
  readonly values: readonly (number | string | boolean)[];
  readonly bytes: number | string;
}
export interface AttributeJson {
  readonly type: string;
  readonly value: unknown;
  /** How long the list is in the file, where it was cut. */
  readonly count?: number;
}
export interface BodyJson {
  readonly name: string;
  readonly scope: readonly string[];
  readonly outputs: readonly string[];
}
export interface NodeJson {
  readonly id: string;
  readonly name: string;
  readonly op: string;
  readonly domain: string;
  readonly scope: readonly string[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeJson>>;
  readonly doc: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly bodies?: readonly BodyJson[];
}
export interface WeightJson extends TensorJson {
  readonly name: string;
  readonly external: boolean;
  readonly location?: { readonly path: string; readonly offset: number | null; readonly length: number | null };
  readonly sparse?: boolean;
}
export interface ScopeJson {
  readonly path: readonly string[];
  readonly kind: "module" | "function" | "body";
  readonly type: string | null;
  readonly attributes?: Readonly<Record<string, AttributeJson>>;
}
export interface OutputJson extends ValueType {
  readonly name: string;
  /** The value that it is, where a function only passes that on. */
  readonly value?: string;
}
export interface GraphJson {
  readonly format: string;
  readonly name: string;
  /** Name of the model's file, as the server shows it. */
  readonly file?: string;
  readonly producer: string;
  readonly ir_version: number | null;
  readonly opsets: readonly { readonly domain: string; readonly version: number }[];
  readonly inputs: readonly (ValueType & { readonly name: string })[];
  readonly outputs: readonly OutputJson[];
  readonly nodes: readonly NodeJson[];
  readonly weights: readonly WeightJson[];
  readonly values: Readonly<Record<string, ValueType>>;
  readonly scopes: readonly ScopeJson[];
  readonly functions: readonly {
    readonly name: string;
    readonly domain: string;
    readonly calls: number;
    readonly nodes: number;
  }[];
  readonly doc: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
}

// Control characters (no SVG may hold them) and those that turn the direction of the text around them.
const UNSEEN = /\p{Cc}|[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu;

/** A text of the file as it may be drawn: what would be invisible or deceive becomes U+FFFD; tabs and line ends stay. */
export function shown(text: string): string {
  return text.replace(UNSEEN, (character) => ("\t\n\r".includes(character) ? character : "\ufffd"));
}

/** `1×3×32×32`; a dynamic size by its name, an unknown one as `?`; nothing for an unknown shape, `scalar` in words for none. */
export function shapeText(shape: readonly Dim[] | null | undefined, scalar = "()"): string {
  if (shape === null || shape === undefined) return "";
  if (shape.length === 0) return scalar;
  return shape.map((size) => (size === null ? "?" : shown(String(size)))).join("×");
}

/** The last part of a class: `torch.nn.modules.conv.Conv2d` is `Conv2d`. */
export function className(type: string | null | undefined): string {
  if (type === null || type === undefined) return "";
  return shown(type.slice(type.lastIndexOf(".") + 1));
}

/** `1.2 MB`, in powers of 1000; a count of bytes too large for a number comes as text and stays it. */
export function bytesText(bytes: number | string): string {
  if (typeof bytes === "string") return `${bytes} B`;
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = bytes;
  let unit = 0;
  for (; size >= 1000 && unit < units.length - 1; unit++) size /= 1000;
  return `${unit === 0 ? size : size.toPrecision(3)} ${units[unit] ?? ""}`;
}
