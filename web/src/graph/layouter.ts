/* The page's end of the layout worker: one question on its way, the latest waiting, older ones forgotten. */

import type { Direction, Scene, Shape } from "./scene";
import type { Ask, Told } from "./layout.worker";

interface Question {
  readonly open: ReadonlySet<number>;
  readonly direction: Direction;
}

export class Layouter {
  #worker: Worker | null = null;
  #number = 0;
  #asked: Question | null = null;
  #waiting: Question | null = null;

  /** onscene: a layout is done, with the question it answers. onerror: it failed, in words. */
  constructor(
    readonly onscene: (scene: Scene, open: ReadonlySet<number>, direction: Direction) => void,
    readonly onerror: (error: string) => void,
  ) {}

  /** Another tree: what was asked before is forgotten, even if it is being worked on. */
  start(shape: Shape): void {
    this.close();
    const worker = new Worker(new URL("./layout.worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<Told>) => this.#told(data));
    worker.addEventListener("error", (event) => {
      this.#asked = null;
      this.onerror(event.message);
    });
    this.#worker = worker;
    this.#post({ kind: "shape", shape });
  }

  /** Lay out; the answer comes to `onscene`. */
  ask(open: ReadonlySet<number>, direction: Direction): void {
    this.#waiting = { open, direction };
    this.#next();
  }

  close(): void {
    this.#worker?.terminate();
    this.#worker = null;
    this.#asked = null;
    this.#waiting = null;
  }

  #next(): void {
    if (this.#asked !== null || this.#waiting === null) return;
    const { open, direction } = (this.#asked = this.#waiting);
    this.#waiting = null;
    this.#post({ kind: "scene", question: ++this.#number, open: [...open], direction });
  }

  #post(ask: Ask): void {
    this.#worker?.postMessage(ask);
  }

  #told(told: Told): void {
    const asked = this.#asked;
    if (asked === null || told.question !== this.#number) return;
    this.#asked = null;
    if ("error" in told) this.onerror(told.error);
    else if (this.#waiting === null) this.onscene(told.scene, asked.open, asked.direction);
    this.#next();
  }
}
