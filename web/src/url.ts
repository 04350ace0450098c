/* The address of the board: everything that the user chose, in the hash, so that a link shows the same thing.

`#/scalars?smooth=0.9&hide=run3` — the page, then flat parameters. Nothing is sent to the server. */

export type Params = Readonly<Record<string, string>>;
export interface Place {
  readonly page: string;
  readonly params: Params;
}

/** Read a hash; an empty or foreign one is the empty page name, which means the first page. */
export function parsePlace(hash: string): Place {
  const match = /^#\/([\w-]*)(?:\?(.*))?$/.exec(hash);
  if (match === null) return { page: "", params: {} };
  const params: Record<string, string> = {};
  for (const [key, value] of new URLSearchParams(match[2] ?? "")) params[key] = value;
  return { page: match[1] ?? "", params };
}

/** The hash of a place; keys in a fixed order, so equal places have equal addresses. */
export function formatPlace(place: Place): string {
  const query = Object.keys(place.params)
    .sort()
    .map((key) => `${encodeURIComponent(key)}=${readable(place.params[key] ?? "")}`)
    .join("&");
  return `#/${place.page}${query === "" ? "" : `?${query}`}`;
}

function readable(value: string): string {
  // Slashes, commas and colons may stand in a fragment; left alone they keep tags legible in the address bar.
  return encodeURIComponent(value).replace(/%2F/g, "/").replace(/%2C/g, ",").replace(/%3A/g, ":").replace(/%20/g, "+");
}

/** A list in one parameter; a comma inside an item is escaped. */
export function formatList(items: readonly string[]): string {
  return items.map((item) => item.replace(/[\\,]/g, (c) => `\\${c}`)).join(",");
}

/** The list that formatList wrote. */
export function parseList(text: string | undefined): readonly string[] {
  if (text === undefined || text === "") return [];
  return (text.match(/(?:\\.|[^,\\])+/g) ?? []).map((item) => item.replace(/\\(.)/g, "$1"));
}

type Option = string | number | boolean;

/** Options from parameters: the type of each default says how to read it; anything else is the default. */
export function parseOptions<O extends Readonly<Record<string, Option>>>(defaults: O, params: Params): O {
  const out: Record<string, Option> = { ...defaults };
  for (const [key, value] of Object.entries(defaults)) {
    const text = params[key];
    if (text === undefined) continue;
    if (typeof value === "boolean") out[key] = text === "1" || text === "true";
    else if (typeof value === "number")
      out[key] = text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : value;
    else out[key] = text;
  }
  return out as O;
}

/** The parameters that say `options`: only what differs from the defaults; undefined removes a key. */
export function formatOptions(
  defaults: Readonly<Record<string, Option>>,
  options: Readonly<Record<string, Option>>,
): Record<string, string | undefined> {
  const out: Record<string, string | undefined> = {};
  for (const [key, value] of Object.entries(options)) {
    if (!(key in defaults)) continue;
    out[key] = value === defaults[key] ? undefined : typeof value === "boolean" ? (value ? "1" : "0") : String(value);
  }
  return out;
}
