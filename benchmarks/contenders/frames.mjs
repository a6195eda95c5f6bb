// Messages over a stream: four bytes of length, then the message.

export class Frames {
  #socket;
  #corked = false;

  constructor(socket, onMessage) {
    this.#socket = socket;
    let rest = Buffer.alloc(0);
    let missing = 0;
    let chunks = [];
    const take = (data) => {
      let at = 0;
      while (data.length - at >= 4) {
        const length = data.readUInt32BE(at);
        if (data.length - at - 4 < length) {
          break;
        }
        onMessage(data.subarray(at + 4, at + 4 + length));
        at += 4 + length;
      }
      rest = data.subarray(at);
      missing = rest.length >= 4 ? 4 + rest.readUInt32BE(0) - rest.length : 0;
      chunks = [rest];
    };
    socket.on("data", (data) => {
      if (rest.length === 0) {
        take(data);
        return;
      }
      // Chunks of a long message are put together once, when all of it is there.
      chunks.push(data);
      missing -= data.length;
      if (missing <= 0) {
        take(Buffer.concat(chunks));
      }
    });
  }

  send(bytes) {
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    const header = Buffer.allocUnsafe(4);
    header.writeUInt32BE(bytes.length);
    this.#socket.write(header);
    this.#socket.write(bytes);
  }
}
