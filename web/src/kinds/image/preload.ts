/* Pictures on their way: each address is loaded and decoded once, so that the next step appears without a flash. */

const KEPT = 32;
const loading = new Map<string, Promise<HTMLImageElement>>();

/** The decoded picture at an address. Rejects with a reason when it cannot be had. */
export function picture(url: string): Promise<HTMLImageElement> {
  const known = loading.get(url);
  if (known !== undefined) {
    loading.delete(url);
    loading.set(url, known);
    return known;
  }
  const fresh = load(url);
  loading.set(url, fresh);
  fresh.catch(() => loading.delete(url));
  for (const oldest of loading.keys()) {
    if (loading.size <= KEPT) break;
    loading.delete(oldest);
  }
  return fresh;
}

/** Begin to load what will probably be looked at next. */
export function expect(urls: readonly string[]): void {
  // A failure is told when the picture is really wanted.
  for (const url of urls) picture(url).catch(() => undefined);
}

async function load(url: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
  } catch {
    throw new Error(await why(url));
  }
  return image;
}

/** An <img> does not say why it failed; the server does. "" when the server answers well but the bytes are no picture. */
async function why(url: string): Promise<string> {
  try {
    const response = await fetch(url);
    if (response.ok) return "";
    const body = (await response.json().catch(() => null)) as { error?: unknown } | null;
    return typeof body?.error === "string" ? body.error : `${response.status} ${response.statusText}`;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}

const reader = { canvas: null as HTMLCanvasElement | null };

/** Red, green, blue and opacity (0…255) of one pixel of a decoded picture. */
export function readPixel(image: HTMLImageElement, x: number, y: number): readonly number[] {
  reader.canvas ??= Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const pen = reader.canvas.getContext("2d", { willReadFrequently: true });
  if (pen === null) return [];
  pen.clearRect(0, 0, 1, 1);
  pen.drawImage(image, -x, -y);
  return [...pen.getImageData(0, 0, 1, 1).data];
}
