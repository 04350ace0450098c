/* Hearing what is new: one WebSocket a tab, with patience when it breaks, and asking by ETag where a proxy swallows it. No framework. */

import type { WireBoard, WireLive } from "./wire";

export type LiveState = "live" | "asking" | "lost" | "paused";

export interface LiveEars {
  /** `first`: of a new connection, so that hints may have been missed before it. */
  readonly onhint: (hint: WireLive, first: boolean) => void;
  /** A whole new list (only when asking): what advanced is not known. */
  readonly onboard: (board: WireBoard) => void;
  readonly onstate: (state: LiveState) => void;
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
const ASK_EVERY = 2_000;
/** Sockets that never opened before asking takes their place. */
const PATIENCE = 2;

export class Live {
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #opened = false;
  #paused = false;
  #closed = false;
  #etag = "";
  readonly #base: string;
  readonly #ears: LiveEars;

  /** base: the board's own address, ending in `/`. */
  constructor(base: string, ears: LiveEars) {
    this.#base = base;
    this.#ears = ears;
    this.#connect();
  }

  /** While paused nothing is heard; going on hears everything that was missed. */
  pause(paused: boolean): void {
    if (paused === this.#paused) return;
    this.#paused = paused;
    clearTimeout(this.#timer);
    if (paused) {
      this.#drop();
      this.#ears.onstate("paused");
    } else {
      this.#failures = 0;
      this.#connect();
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#drop();
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #connect(): void {
    if (this.#closed || this.#paused) return;
    const url = new URL("api/live", this.#base);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    this.#socket = socket;
    let heard = false;
    socket.onmessage = (event: MessageEvent<string>) => {
      if (this.#socket !== socket) return;
      const first = !heard;
      heard = true;
      if (first) this.#ears.onstate("live");
      this.#opened = true;
      this.#failures = 0;
      this.#ears.onhint(JSON.parse(event.data) as WireLive, first);
    };
    socket.onclose = () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#failures++;
      if (!this.#opened && this.#failures >= PATIENCE) this.#askLater(0);
      else {
        this.#ears.onstate("lost");
        const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(this.#failures - 1, 5));
        // A little chance, so that a restarted server is not met by all its tabs at once.
        this.#timer = setTimeout(() => this.#connect(), wait * (0.75 + Math.random() / 2));
      }
    };
  }

  #askLater(wait: number): void {
    this.#timer = setTimeout(() => void this.#ask(), wait);
  }

  async #ask(): Promise<void> {
    if (this.#closed || this.#paused) return;
    try {
      const headers: Record<string, string> = this.#etag === "" ? {} : { "If-None-Match": this.#etag };
      const response = await fetch(`${this.#base}api/board`, { headers, cache: "no-store" });
      if (response.status === 200) {
        this.#etag = response.headers.get("ETag") ?? "";
        this.#ears.onboard((await response.json()) as WireBoard);
      }
      this.#ears.onstate(response.ok || response.status === 304 ? "asking" : "lost");
    } catch {
      this.#ears.onstate("lost");
    }
    // A hidden tab asks seldom.
    this.#askLater(globalThis.document?.hidden ? ASK_EVERY * 10 : ASK_EVERY);
  }
}
