// A loopback proxy in front of a service. It cuts connections, and counts the answers that it has passed on.

import { connect, createServer, type Server, type Socket } from "node:net";

const GREETING_BYTES = 64;
const LONG = 2;

/** The type of a response in MessagePack. The name `hb_response` of a heartbeat's field has another length. */
const RESPONSE = Buffer.from("\xa8response", "latin1");

/** In order, or by a reset. */
export type Cut = "in order" | "reset";

/** Passes bytes on in both directions. */
export class CuttingProxy {
  readonly #server: Server;
  readonly #servicePort: () => Promise<number>;
  readonly #pairs = new Set<{ parent: Socket; service: Socket; answers: AnswerCounter }>();
  #inOrder = 0;
  #abrupt = 0;
  #nextCut: Cut | undefined;
  cuts = 0;

  private constructor(servicePort: () => Promise<number>) {
    this.#servicePort = servicePort;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (parent) => void this.#join(parent));
  }

  /** Listens. @param servicePort - Where the service is. */
  static async open(servicePort: () => Promise<number>): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(servicePort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** Answers that were passed on whole: over connections that ended in order, and over those that were reset. */
  get answers(): { inOrder: number; abrupt: number } {
    return { inOrder: this.#inOrder, abrupt: this.#abrupt };
  }

  /** Ends every connection in the middle of what the service sends next. */
  cutNext(kind: Cut): void {
    this.#nextCut = kind;
  }

  #cut(kind: Cut): void {
    this.#nextCut = undefined;
    for (const pair of this.#pairs) {
      this.#pairs.delete(pair);
      this.cuts++;
      pair.service.destroy();
      if (kind === "reset") {
        this.#abrupt += pair.answers.count;
        pair.parent.resetAndDestroy();
      } else {
        this.#inOrder += pair.answers.count;
        pair.parent.removeAllListeners("data").resume().end();
      }
    }
  }

  close(): void {
    this.#cut("in order");
    this.#server.close();
  }

  async #join(parent: Socket): Promise<void> {
    const service = connect(await this.#servicePort(), "127.0.0.1");
    const pair = { parent, service, answers: new AnswerCounter() };
    this.#pairs.add(pair);
    parent.on("error", () => {}).on("data", (bytes) => service.write(bytes));
    service
      .on("error", () => {})
      .on("data", (bytes) => {
        const cut = pair.answers.count > 0 ? this.#nextCut : undefined;
        const passedOn = cut === undefined ? bytes : bytes.subarray(0, bytes.length / 2);
        pair.answers.push(passedOn);
        parent.write(passedOn);
        if (cut !== undefined) {
          this.#cut(cut);
        }
      });
    parent.on("close", () => service.destroy());
  }
}

/** Counts the responses in what a service sends: ZMTP, a delimiter and a payload for each message. */
class AnswerCounter {
  count = 0;
  #rest: Buffer = Buffer.alloc(0);
  #isGreeted = false;

  push(bytes: Buffer): void {
    let rest = Buffer.concat([this.#rest, bytes]);
    if (!this.#isGreeted && rest.length >= GREETING_BYTES) {
      rest = rest.subarray(GREETING_BYTES);
      this.#isGreeted = true;
    }
    while (this.#isGreeted && rest.length >= 9) {
      const flags = rest.readUInt8(0);
      const isLong = (flags & LONG) !== 0;
      const at = isLong ? 9 : 2;
      const end = at + (isLong ? Number(rest.readBigUInt64BE(1)) : rest.readUInt8(1));
      if (rest.length < end) {
        break;
      }
      this.count += rest.subarray(at, end).includes(RESPONSE) ? 1 : 0;
      rest = rest.subarray(end);
    }
    this.#rest = rest;
  }
}
