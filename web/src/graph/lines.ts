/* From the bends of a laid-out line to the stroke that is drawn: its ends on boxes and ports, its corners round. */

import type { Box, Line } from "./scene";

/** Where along its frame a value crosses an open scope; undefined for a closed box. */
export type PortOf = (scope: number, value: number, way: "in" | "out") => number | undefined;

/** A line with its ends on the boxes. One into or out of an open scope becomes one a value, each to the value's own port. */
export function ended(line: Line, at: ReadonlyMap<number, Box>, portOf: PortOf, down: boolean): Line[] {
  const from = line.kind === "in" ? undefined : at.get(line.from);
  const to = line.kind === "out" ? undefined : at.get(line.to);
  const split = (from?.open ?? false) || (to?.open ?? false);
  const groups = split ? line.values.map((value) => [value]) : [line.values];
  return groups.map((values) => {
    const value = values[0] ?? 0;
    const ports = { start: portOf(line.from, value, "out"), end: portOf(line.to, value, "in") };
    const inner = line.kind === "level" ? withoutDetour(line.points, ports) : line.points;
    const points = [...inner];
    if (from !== undefined) points.unshift(...start(from, inner, ports.start, down, to));
    if (to !== undefined) points.push(...end(to, points, ports.end, down));
    return { ...line, values, points: smooth(points, down) };
  });
}

/** Without the bends that only lead to the middle of a box, where the line leaves or arrives at a port instead. */
function withoutDetour(
  bends: readonly number[],
  ports: { start: number | undefined; end: number | undefined },
): readonly number[] {
  if (bends.length <= 2) return [];
  return bends.slice(ports.start === undefined ? 0 : 2, ports.end === undefined ? undefined : -2);
}

/** A cubic B-spline along the bends, as short straight strokes: leaves and arrives straight along the flow. */
function smooth(points: readonly number[], down: boolean): readonly number[] {
  const [x0 = 0, y0 = 0] = points;
  const [x1, y1] = [points.at(-2) ?? 0, points.at(-1) ?? 0];
  if (down ? x0 === x1 && points.length === 4 : y0 === y1 && points.length === 4) return points;
  const lead = Math.min(16, Math.abs(down ? y1 - y0 : x1 - x0) / 3);
  const bends = down
    ? [x0, y0 + lead, ...points.slice(2, -2), x1, y1 - lead]
    : [x0 + lead, y0, ...points.slice(2, -2), x1 - lead, y1];
  const knots = [x0, y0, x0, y0, x0, y0, ...bends, x1, y1, x1, y1, x1, y1];
  const out: number[] = [x0, y0];
  for (let i = 0; i + 7 < knots.length; i += 2) {
    for (let step = 1; step <= 4; step++) {
      const t = step / 4;
      out.push(spline(knots, i, t), spline(knots, i + 1, t));
    }
  }
  return out;
}

function spline(knots: readonly number[], i: number, t: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = [knots[i], knots[i + 2], knots[i + 4], knots[i + 6]];
  const u = 1 - t;
  return (
    (u * u * u * a + (3 * t * t * t - 6 * t * t + 4) * b + (3 * u * u * u - 6 * u * u + 4) * c + t * t * t * d) / 6
  );
}

function start(
  box: Box,
  inner: readonly number[],
  port: number | undefined,
  down: boolean,
  to: Box | undefined,
): [number, number] {
  const toward = down
    ? (inner[0] ?? (to === undefined ? box.x : to.x + to.w / 2))
    : (inner[1] ?? (to === undefined ? box.y : to.y + to.h / 2));
  if (down) return [port === undefined ? near(toward, box.x, box.w) : box.x + port, box.y + box.h];
  return [box.x + box.w, port === undefined ? near(toward, box.y, box.h) : box.y + port];
}
function end(box: Box, before: readonly number[], port: number | undefined, down: boolean): [number, number] {
  const [x, y] = [before.at(-2) ?? box.x, before.at(-1) ?? box.y];
  if (down) return [port === undefined ? near(x, box.x, box.w) : box.x + port, box.y];
  return [box.x, port === undefined ? near(y, box.y, box.h) : box.y + port];
}
/** A place on an edge: where the line comes from, but well within the middle of the edge. */
function near(toward: number, from: number, length: number): number {
  const middle = from + length / 2;
  const reach = Math.min(length / 4, 24);
  return Math.min(middle + reach, Math.max(middle - reach, toward));
}
