/* Regular expressions that cannot hang the tab: the syntax of JavaScript, matched in time that grows with the text alone.

The browser's own engine tries one way after another: `(a+)+$` takes it longer than anybody waits, and a link to the board
may carry such a filter. Here all ways are followed at once, letter by letter (Thompson's construction); the browser only
says whether one letter fits one atom. What cannot be matched so, a reference back to a group, is refused. */

/** Whether an expression is found in a text. Not case sensitive. */
export type Matcher = (text: string) => boolean;

/** Most instructions of an expression: `(a{50}){50}` is more. */
const MOST_CODE = 2_000;
/** Letters of a text that are looked at. */
const MOST_TEXT = 1_024;
/** Most steps of one matcher in all, about a second: after that it finds nothing any more. */
const MOST_STEPS = 20_000_000;

/** A matcher; SyntaxError for what is no regular expression, or none that can be matched in bounded time. */
export function matcher(source: string): Matcher {
  const native = new RegExp(source, "iu");
  if (TAME.test(source) && !/\\[1-9k]/.test(source)) return (text) => native.test(text.slice(0, MOST_TEXT));
  const code = compile(parse(source));
  const spent = { steps: 0 };
  return (text) => new Search(code, [...text.slice(0, MOST_TEXT)], spent).found();
}

/** One thing at most that may come several times, and it is no group: the browser's engine needs steps for each pair of
letters at most, and is much faster at that. */
const TAME = /^[^*+?{]*(?:[^)*+?{][*+?{][^*+?{]*)?$/;

// -------------------------------------------------------------------------------------------------- parsing

type Fits = (letter: string) => boolean;
type Edge = "start" | "end" | "word" | "inside";
type Node =
  | { readonly is: "one"; readonly fits: Fits }
  | { readonly is: "row"; readonly parts: readonly Node[] }
  | { readonly is: "either"; readonly ways: readonly Node[] }
  | { readonly is: "times"; readonly what: Node; readonly least: number; readonly most: number }
  | { readonly is: "edge"; readonly edge: Edge }
  | { readonly is: "look"; readonly what: Node; readonly behind: boolean; readonly not: boolean };

/** The tree of an expression that the browser has found to be one. */
function parse(source: string): Node {
  let at = 0;
  const atoms = new Map<string, Fits>();

  function either(): Node {
    const ways = [row()];
    while (source[at] === "|") {
      at++;
      ways.push(row());
    }
    return ways.length === 1 && ways[0] !== undefined ? ways[0] : { is: "either", ways };
  }
  function row(): Node {
    const parts: Node[] = [];
    while (at < source.length && source[at] !== "|" && source[at] !== ")") parts.push(times(part()));
    return { is: "row", parts };
  }
  function times(what: Node): Node {
    const sign = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/.exec(source.slice(at, at + 40));
    if (sign === null) return what;
    at += sign[0].length;
    const least = sign[1] !== undefined ? Number(sign[1]) : sign[0].startsWith("+") ? 1 : 0;
    if (sign[0].startsWith("?")) return { is: "times", what, least, most: 1 };
    const most = sign[1] === undefined || (sign[2] === "," && sign[3] === "") ? Infinity : Number(sign[3] || sign[1]);
    return { is: "times", what, least, most };
  }
  function part(): Node {
    const rest = source.slice(at, at + 4);
    const edge = ({ "^": "start", $: "end", "\\b": "word", "\\B": "inside" } as const)[
      (rest.startsWith("\\") ? rest.slice(0, 2) : rest[0]) as "^" | "$" | "\\b" | "\\B"
    ];
    if (edge !== undefined) {
      at += rest.startsWith("\\") ? 2 : 1;
      return { is: "edge", edge };
    }
    return rest.startsWith("(") ? group() : one();
  }
  function group(): Node {
    const sign = /^\((?:\?(?:[:=!]|<[=!]|<[^>]*>))?/u.exec(source.slice(at))?.[0] ?? "(";
    if (sign === "(" && source[at + 1] === "?")
      throw new SyntaxError("flags inside of an expression are not understood");
    at += sign.length;
    const what = either();
    at++; // the parenthesis
    const look = /^\(\?(<?)([=!])$/.exec(sign);
    return look === null ? what : { is: "look", what, behind: look[1] === "<", not: look[2] === "!" };
  }
  function one(): Node {
    const atom = ATOM.exec(source.slice(at))?.[0] ?? "";
    if (atom === "" || /^\\[1-9k]/.test(atom)) throw new SyntaxError("references back to a group are not understood");
    at += atom.length;
    let fits = atoms.get(atom);
    if (fits === undefined) atoms.set(atom, (fits = fitting(atom)));
    return { is: "one", fits };
  }
  return either();
}

/** One letter of the expression, whichever way it is written: a class, an escape, a letter of its own. */
const ATOM =
  /^(?:\[(?:[^\\\]]|\\.)*\]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u\{[0-9a-fA-F]+\}|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\c[A-Za-z]|\\[pP]\{[^}]*\}|\\.|[^\\])/su;

/** The browser says what fits; it is asked once for each letter of ASCII. */
function fitting(atom: string): Fits {
  const expression = new RegExp(`^${atom}$`, "iu");
  const known = new Int8Array(128); // 1: yes, -1: no
  return (letter) => {
    const code = letter.charCodeAt(0);
    if (!(code < 128)) return expression.test(letter);
    if (known[code] === 0) known[code] = expression.test(letter) ? 1 : -1;
    return known[code] === 1;
  };
}

// ------------------------------------------------------------------------------------------------ compiling

type Step =
  | { readonly do: "one"; readonly fits: Fits; readonly next: number }
  | { readonly do: "fork"; readonly ways: readonly number[] }
  | { readonly do: "edge"; readonly edge: Edge; readonly next: number }
  | {
      readonly do: "look";
      readonly first: number;
      readonly behind: boolean;
      readonly not: boolean;
      readonly next: number;
    }
  | { readonly do: "end" };
interface Code {
  readonly steps: readonly Step[];
  readonly first: number;
}

/** From the end to the beginning: each step is written when the one after it is known. */
function compile(tree: Node): Code {
  const steps: Step[] = [];
  function put(step: Step): number {
    if (steps.length >= MOST_CODE) throw new SyntaxError("the expression is too large");
    return steps.push(step) - 1;
  }
  function write(node: Node, next: number): number {
    switch (node.is) {
      case "one":
        return put({ do: "one", fits: node.fits, next });
      case "row":
        return node.parts.reduceRight((after, part) => write(part, after), next);
      case "either":
        return put({ do: "fork", ways: node.ways.map((way) => write(way, next)) });
      case "edge":
        return put({ do: "edge", edge: node.edge, next });
      case "look":
        return put({ ...node, do: "look", first: write(node.what, put({ do: "end" })), next });
      case "times":
        return repeat(node.what, node.least, node.most, next);
    }
  }
  function repeat(what: Node, least: number, most: number, next: number): number {
    let first = next;
    if (most === Infinity) {
      const ways = [next];
      first = put({ do: "fork", ways });
      ways.push(write(what, first));
    } else {
      for (let i = least; i < most; i++) first = put({ do: "fork", ways: [next, write(what, first)] });
    }
    for (let i = 0; i < least; i++) first = write(what, first);
    return first;
  }
  const first = write(tree, put({ do: "end" }));
  return { steps, first };
}

// ------------------------------------------------------------------------------------------------- matching

const WORD = /^\w$/iu;

/** One text and one expression. */
class Search {
  readonly #looked = new Map<number, boolean>();

  constructor(
    private readonly code: Code,
    private readonly text: readonly string[],
    private readonly spent: { steps: number },
  ) {}

  found(): boolean {
    return this.#run(this.code.first, 0, null);
  }

  /** Whether the steps from `first` lead to an end: begun anywhere from `from` on, or for `until` ending right there. */
  #run(first: number, from: number, until: number | null, anchored = false): boolean {
    const { steps } = this.code;
    const seen = new Int32Array(steps.length).fill(-1);
    let now: number[] = [];
    let later: number[] = [];
    /** Follow all that needs no letter; whether an end is among it. */
    const follow = (begin: number, at: number, into: number[]): boolean => {
      const open = [begin];
      let ended = false;
      for (let step = open.pop(); step !== undefined; step = open.pop()) {
        if (seen[step] === at) continue;
        seen[step] = at;
        this.spent.steps++;
        const what = steps[step];
        if (what === undefined || what.do === "end") ended = true;
        else if (what.do === "one") into.push(step);
        else if (what.do === "fork") open.push(...what.ways);
        else if (what.do === "edge" ? this.#isEdge(what.edge, at) : this.#look(step, what, at)) open.push(what.next);
      }
      return ended;
    };
    for (let at = from; at <= (until ?? this.text.length); at++) {
      let ended = false;
      for (const step of now) {
        const what = steps[step];
        this.spent.steps++;
        if (what?.do === "one" && what.fits(this.text[at - 1] ?? "")) ended = follow(what.next, at, later) || ended;
      }
      if (!anchored || at === from) ended = follow(first, at, later) || ended;
      if (ended && (until === null || at === until)) return true;
      if (this.spent.steps > MOST_STEPS) return false;
      [now, later] = [later, []];
      if (anchored && now.length === 0) return false;
    }
    return false;
  }

  #isEdge(edge: Edge, at: number): boolean {
    if (edge === "start") return at === 0;
    if (edge === "end") return at === this.text.length;
    const between = WORD.test(this.text[at - 1] ?? "") !== WORD.test(this.text[at] ?? "");
    return between === (edge === "word");
  }

  #look(step: number, what: Step & { do: "look" }, at: number): boolean {
    const key = step * (MOST_TEXT + 1) + at;
    let found = this.#looked.get(key);
    if (found === undefined) {
      found = what.behind ? this.#run(what.first, 0, at) : this.#run(what.first, at, null, true);
      this.#looked.set(key, found);
    }
    return found !== what.not;
  }
}
