/* The options of the image page. */

// A type and not an interface: the board reads options as a flat record.
export type ImageOptions = {
  /** One slider moves all cards. */
  readonly together: boolean;
  /** The step of all cards when they move together; "" for the newest of each. */
  readonly at: string;
  /** One CSS pixel an image pixel instead of fitting. */
  readonly real: boolean;
  /** Smooth enlarged pixels. */
  readonly smooth: boolean;
  readonly brightness: number;
  readonly contrast: number;
};

export const DEFAULTS: ImageOptions = {
  together: false,
  at: "",
  real: false,
  smooth: false,
  brightness: 1,
  contrast: 1,
};

/** The CSS filter that the options ask for; "none" for untouched pixels. */
export function filterOf({ brightness, contrast }: ImageOptions): string {
  const parts = [
    ...(brightness === 1 ? [] : [`brightness(${brightness})`]),
    ...(contrast === 1 ? [] : [`contrast(${contrast})`]),
  ];
  return parts.length === 0 ? "none" : parts.join(" ");
}
