/* Where an image lies on its stage: fitting, zooming about a point, panning. Pure; lengths in CSS pixels. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** scale: CSS pixels an image pixel; x, y: the image's upper left corner on the stage. */
export interface Place {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

const GREATEST_SCALE = 64;

/** The whole image, as large as the stage allows. Enlarged pixels are whole CSS pixels, so that all of them are equally large. */
export function fitted(image: Size, stage: Size): Place {
  const most = Math.min(stage.width / image.width, stage.height / image.height);
  return centred(image, stage, most >= 2 ? Math.floor(most) : most);
}

/** One CSS pixel an image pixel. */
export function realSize(image: Size, stage: Size): Place {
  return centred(image, stage, 1);
}

function centred(image: Size, stage: Size, scale: number): Place {
  return kept(image, stage, {
    scale,
    x: (stage.width - image.width * scale) / 2,
    y: (stage.height - image.height * scale) / 2,
  });
}

/** Zoom by `factor` so that what lies under (x, y) stays there: from half of fitted up to 64, or four times fitted for a tiny image. */
export function zoomed(image: Size, stage: Size, place: Place, factor: number, x: number, y: number): Place {
  const fit = fitted(image, stage).scale;
  const least = Math.min(1, fit) / 2;
  const scale = Math.min(Math.max(GREATEST_SCALE, 4 * fit), Math.max(least, place.scale * factor));
  const ratio = scale / place.scale;
  return kept(image, stage, { scale, x: x - (x - place.x) * ratio, y: y - (y - place.y) * ratio });
}

/** Move by (dx, dy), as far as the image goes. */
export function panned(image: Size, stage: Size, place: Place, dx: number, dy: number): Place {
  return kept(image, stage, { ...place, x: place.x + dx, y: place.y + dy });
}

/** Along each side: what is smaller than the stage lies in its middle, what is larger leaves no gap. Whole pixels keep edges sharp. */
function kept(image: Size, stage: Size, { scale, x, y }: Place): Place {
  const along = (at: number, length: number, room: number): number =>
    Math.round(length <= room ? (room - length) / 2 : Math.min(0, Math.max(room - length, at)));
  return { scale, x: along(x, image.width * scale, stage.width), y: along(y, image.height * scale, stage.height) };
}

/** The image pixel under a point of the stage, or null beside the image. */
export function pixelAt(
  image: Size,
  place: Place,
  x: number,
  y: number,
): { readonly x: number; readonly y: number } | null {
  const at = { x: Math.floor((x - place.x) / place.scale), y: Math.floor((y - place.y) / place.scale) };
  return at.x >= 0 && at.y >= 0 && at.x < image.width && at.y < image.height ? at : null;
}

/** The scale in words: 1200 %, 37 %. */
export function percent(scale: number): string {
  return `${Math.round(scale * 100)} %`;
}
