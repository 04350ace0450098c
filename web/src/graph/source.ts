/* Where the graph comes from: the server's own model, or a file that was dropped here. */

import { reason } from "../store";
import type { GraphJson } from "./json";

export interface Source {
  /** Name of the file that was dropped; null for the server's own model. */
  readonly file: string | null;
  readonly graph: GraphJson;
  readonly etag: string;
}

/** The server would not. The message is its own sentence. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    sentence: string,
  ) {
    super(sentence);
  }
}

/** Why something went wrong, for people; `refused` says the server's sentences in their language. */
export function why(cause: unknown, refused: (status: number, sentence: string) => string): string {
  if (cause instanceof Refused) return refused(cause.status, cause.message);
  return cause instanceof Error ? cause.message : String(cause);
}

/** The server's model; null when it has none, "unchanged" when it is still the one of `etag`. Throws Refused. */
export async function ownModel(etag: string): Promise<Source | null | "unchanged"> {
  // Not through the browser's cache, which would hide the 304 and hand over megabytes to be parsed again.
  const headers: HeadersInit = etag === "" ? {} : { "If-None-Match": etag };
  const response = await fetch("api/graph", { cache: "no-store", headers });
  if (response.status === 304) return "unchanged";
  if (response.status === 404) return null;
  if (!response.ok) throw new Refused(response.status, await reason(response));
  return { file: null, graph: (await response.json()) as GraphJson, etag: response.headers.get("ETag") ?? "" };
}

/** The graph of a file of the user's, read by the server, which keeps nothing. Throws Refused. */
export async function readFile(file: File): Promise<Source> {
  const response = await fetch(`api/graph?${new URLSearchParams({ name: file.name })}`, {
    method: "POST",
    body: file,
    headers: { "Content-Type": "application/octet-stream" },
  });
  if (!response.ok) throw new Refused(response.status, await reason(response));
  return { file: file.name, graph: (await response.json()) as GraphJson, etag: "" };
}

/* Kept while other pages are looked at: coming back must not forget the file that was dropped. */
let kept: Source | null = null;

/** The graph that was shown last. */
export function held(): Source | null {
  return kept;
}

/** Remember the graph that is shown. */
export function hold(source: Source | null): void {
  kept = source;
}
