import { type Codec, createOutput } from "@multifrost/protocol";
import type { RareEvent } from "@multifrost/reliability";
import type { Peers } from "../session/peers.js";
import { routeConsole } from "./console-route.js";
import { StreamTap, writeNow } from "./stream-tap.js";

/** Messages that may wait in the channel. Beyond, output goes to the real stream: answers come first. */
const MAX_WAITING = 100_000;

/** A line on its way to the parents. */
interface Line {
  readonly tap: StreamTap;
  readonly text: string;
  /** Sends that are not settled yet. */
  open: number;
  taken: boolean;
}

/**
 * Sends what the process writes to stdout and stderr, line by line, to every parent seen. A line that no parent can take
 * goes to the real stream.
 */
export class OutputForwarder {
  readonly #codec: Codec;
  readonly #peers: Peers;
  readonly #alsoLocal: boolean;
  readonly #lost: RareEvent;
  readonly #taps: readonly StreamTap[];
  readonly #restoreConsole: () => void;
  readonly #underway = new Set<Line>();
  readonly #restore = (): void => this.restore();

  /**
   * Takes over the process's streams until {@link restore}.
   *
   * @param alsoLocal Writes to the real stream as well: for a service, whose log is read there.
   * @param lost Counts the lines that no parent could take.
   */
  constructor(codec: Codec, peers: Peers, alsoLocal: boolean, lost: RareEvent) {
    this.#codec = codec;
    this.#peers = peers;
    this.#alsoLocal = alsoLocal;
    this.#lost = lost;
    const onLine = (tap: StreamTap, text: string): void => this.#forward(tap, text);
    this.#taps = [new StreamTap("stdout", alsoLocal, onLine), new StreamTap("stderr", alsoLocal, onLine)];
    this.#restoreConsole = routeConsole();
    // `process.exit` drops what is queued, and with it the reason for the exit.
    process.on("exit", this.#restore);
  }

  /** Gives the streams back and writes out what no parent has taken. May be called more than once. */
  restore(): void {
    process.off("exit", this.#restore);
    for (const { tap, text } of this.#alsoLocal ? [] : this.#underway) {
      writeNow(tap.name, `${text}\n`);
    }
    this.#underway.clear();
    this.#restoreConsole();
    for (const tap of this.#taps) {
      tap.release();
    }
  }

  #forward(tap: StreamTap, text: string): void {
    const line: Line = { tap, text, open: 0, taken: false };
    this.#send(line);
    if (line.open > 0) {
      this.#underway.add(line);
    } else {
      this.#keep(line);
    }
  }

  #send(line: Line): void {
    if (this.#peers.queued >= MAX_WAITING) {
      return;
    }
    try {
      const bytes = this.#codec.encode(createOutput(line.tap.name, line.text));
      for (const peer of this.#peers) {
        this.#peers.send(peer, bytes, (error) => this.#settled(line, error === undefined));
        line.open++;
      }
    } catch {
      // The line is too long, or the channel full or closed. If no peer was sent it, it goes to the real stream.
    }
  }

  #settled(line: Line, taken: boolean): void {
    line.taken ||= taken;
    line.open--;
    if (line.open === 0 && this.#underway.delete(line) && !line.taken) {
      this.#keep(line);
    }
  }

  #keep({ tap, text }: Line): void {
    if (!this.#alsoLocal) {
      tap.writeLocal(`${text}\n`);
      this.#lost.emit({ message: "No parent could take a line of output." }, "debug");
    }
  }
}
