/* Where the picture is looked at: screen = (graph − corner) × scale. Pure. */

export interface Camera {
  /** The graph's point in the left upper corner of the screen. */
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}
export interface Area {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}
interface Size {
  readonly width: number;
  readonly height: number;
}

const MOST = 4;
const READABLE = 0.85;

/** The whole picture in the middle of the screen, at most at its own size. */
export function fitted(picture: Size, screen: Size, margin = 16): Camera {
  const scale = Math.max(
    1e-4,
    Math.min(
      1,
      (screen.width - 2 * margin) / Math.max(1, picture.width),
      (screen.height - 2 * margin) / Math.max(1, picture.height),
    ),
  );
  return { x: (picture.width - screen.width / scale) / 2, y: (picture.height - screen.height / scale) / 2, scale };
}

/** What is seen first: all of it where that is readable, else the beginning. */
export function first(picture: Size, screen: Size, down: boolean): Camera {
  const whole = fitted(picture, screen);
  if (whole.scale >= 0.5) return whole;
  const scale = READABLE;
  if (down) return { x: (picture.width - screen.width / scale) / 2, y: -8 / scale, scale };
  return { x: -8 / scale, y: (picture.height - screen.height / scale) / 2, scale };
}

/** Zoom by a factor; the point under (sx, sy) of the screen stays where it is. */
export function zoomed(camera: Camera, sx: number, sy: number, factor: number, picture: Size, screen: Size): Camera {
  const least = Math.min(0.25, fitted(picture, screen).scale * 0.7);
  const scale = Math.min(MOST, Math.max(least, camera.scale * factor));
  return { x: camera.x + sx / camera.scale - sx / scale, y: camera.y + sy / camera.scale - sy / scale, scale };
}

/** Move by screen pixels; some of the picture always stays on the screen. */
export function moved(camera: Camera, dx: number, dy: number, picture: Size, screen: Size): Camera {
  return kept({ ...camera, x: camera.x - dx / camera.scale, y: camera.y - dy / camera.scale }, picture, screen);
}

/** The camera, moved back as far as needed to see some of the picture. */
export function kept(camera: Camera, picture: Size, screen: Size): Camera {
  const [w, h] = [screen.width / camera.scale, screen.height / camera.scale];
  const edge = 60 / camera.scale;
  return {
    ...camera,
    x: Math.min(picture.width - edge, Math.max(edge - w, camera.x)),
    y: Math.min(picture.height - edge, Math.max(edge - h, camera.y)),
  };
}

/** The area in the middle of the screen, readable; as it is when it is readable and on the screen already. */
export function shownArea(camera: Camera, area: Area, screen: Size): Camera {
  const [w, h] = [screen.width / camera.scale, screen.height / camera.scale];
  const inside =
    area.x >= camera.x && area.y >= camera.y && area.x + area.w <= camera.x + w && area.y + area.h <= camera.y + h;
  if (inside && camera.scale >= 0.5) return camera;
  const room = Math.min((0.9 * screen.width) / Math.max(1, area.w), (0.9 * screen.height) / Math.max(1, area.h));
  const scale = camera.scale >= 0.5 ? camera.scale : Math.min(1, Math.max(0.5, room));
  // What is larger than the screen is shown from its beginning.
  const middle = (from: number, length: number, seen: number): number =>
    length > seen ? from - 12 / scale : from + length / 2 - seen / 2;
  return { x: middle(area.x, area.w, screen.width / scale), y: middle(area.y, area.h, screen.height / scale), scale };
}

/** The same point of the screen for an area that moved in the picture: opening a module must not throw the reader elsewhere. */
export function anchored(camera: Camera, before: Area, after: Area): Camera {
  return { ...camera, x: camera.x + after.x + after.w / 2 - before.x - before.w / 2, y: camera.y + after.y - before.y };
}
