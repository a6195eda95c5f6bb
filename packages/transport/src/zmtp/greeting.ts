// The greeting: the first 64 bytes that each end sends.

import { ProtocolError } from "./protocol-error.js";

/** The length of a greeting. */
export const GREETING_BYTES = 64;

const MECHANISM_AT = 12;
const MECHANISM_END = 32;
const LOWEST_MAJOR = 3;

/** Our greeting: ZMTP 3.1, mechanism NULL, as-server 0. */
export const GREETING: Uint8Array = ourGreeting();

/** The version that a peer announced. */
export interface ZmtpVersion {
  readonly major: number;
  readonly minor: number;
}

/** Checks the greeting of a peer byte by byte, each as soon as it is there. Padding and filler have no meaning. */
export class GreetingReader {
  #received = 0;
  #major = 0;
  #minor = 0;

  get isComplete(): boolean {
    return this.#received === GREETING_BYTES;
  }

  get version(): ZmtpVersion {
    return { major: this.#major, minor: this.#minor };
  }

  /** Takes bytes from the start of a chunk; returns how many. Throws `ProtocolError` at the first wrong one. */
  take(chunk: Uint8Array): number {
    const count = Math.min(chunk.length, GREETING_BYTES - this.#received);
    for (let index = 0; index < count; index += 1) {
      this.#check(this.#received, chunk[index] ?? 0);
      this.#received += 1;
    }
    return count;
  }

  #check(at: number, byte: number): void {
    if ((at === 0 && byte !== 0xff) || (at === 9 && byte !== 0x7f)) {
      throw new ProtocolError("It does not speak ZMTP.");
    }
    if (at === 10) {
      this.#major = byte;
      if (byte < LOWEST_MAJOR) {
        throw new ProtocolError("It speaks a version of ZMTP before 3.0.");
      }
    }
    if (at === 11) {
      this.#minor = byte;
    }
    if (at >= MECHANISM_AT && at < MECHANISM_END && byte !== GREETING[at]) {
      throw new ProtocolError("It asks for a security mechanism other than NULL.");
    }
  }
}

function ourGreeting(): Uint8Array {
  const greeting = new Uint8Array(GREETING_BYTES);
  greeting[0] = 0xff;
  greeting[9] = 0x7f;
  greeting[10] = 3;
  greeting[11] = 1;
  greeting.set(Buffer.from("NULL"), MECHANISM_AT);
  return greeting;
}
