/* What a layout engine (dagre, or ours) is asked, and what it answers. */

/** The question: boxes by number, links between them, both ends of a link existing. */
export interface Sketch {
  readonly boxes: ReadonlyMap<number, { readonly w: number; readonly h: number }>;
  readonly links: readonly { readonly a: number; readonly b: number; readonly weight: number }[];
}
/** Its answer: centres of the boxes, and the bends of each link between the two boxes. */
export interface Drawn {
  readonly boxes: ReadonlyMap<number, { readonly x: number; readonly y: number }>;
  readonly links: readonly (readonly { readonly x: number; readonly y: number }[])[];
}
