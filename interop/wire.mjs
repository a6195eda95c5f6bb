// The few bytes of ZMTP and MessagePack that hostile programs need, written by hand: no library of ours sends them.

/** What a peer of ZMTP 3.1 sends first. */
export const greeting = Buffer.alloc(64);
greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1]);
greeting.write("NULL", 12, "latin1");

/** A frame. Flags: 1 more frames follow, 4 it is a command. */
export function frame(flags, body) {
  const head = body.length < 256 ? Buffer.from([flags, body.length]) : Buffer.alloc(9);
  if (body.length >= 256) {
    head[0] = flags | 2;
    head.writeBigUInt64BE(BigInt(body.length), 1);
  }
  return Buffer.concat([head, body]);
}

/** The READY of a socket of this type. */
export function ready(type, properties = {}) {
  const parts = [Buffer.from("\x05READY", "latin1")];
  for (const [name, value] of Object.entries({ "Socket-Type": type, Identity: "", ...properties })) {
    const head = Buffer.alloc(name.length + 5);
    head[0] = name.length;
    head.write(name, 1, "latin1");
    head.writeUInt32BE(value.length, name.length + 1);
    parts.push(head, Buffer.from(value, "latin1"));
  }
  return frame(4, Buffer.concat(parts));
}

/** A message of the protocol, from either side. */
export const message = (fields) =>
  Buffer.concat([frame(1, Buffer.alloc(0)), frame(0, pack({ app: "comlink_ipc_v3", timestamp: 1.5, ...fields }))]);

/** Writes MessagePack. A `Uint8Array` is MessagePack already. */
export function pack(value) {
  if (value instanceof Uint8Array) {
    return value;
  }
  if (value === null || value === undefined) {
    return Buffer.from([0xc0]);
  }
  if (typeof value === "boolean") {
    return Buffer.from([value ? 0xc3 : 0xc2]);
  }
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 128) {
    return Buffer.from([value]);
  }
  if (typeof value === "number") {
    const bytes = Buffer.alloc(9, 0xcb);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  if (typeof value === "string") {
    const text = Buffer.from(value);
    return Buffer.concat([Buffer.from([0xda, text.length >> 8, text.length & 255]), text]);
  }
  if (Array.isArray(value)) {
    return Buffer.concat([Buffer.from([0xdc, value.length >> 8, value.length & 255]), ...value.map(pack)]);
  }
  const entries = Object.entries(value);
  return Buffer.concat([Buffer.from([0xde, 0, entries.length]), ...entries.flat().map(pack)]);
}

/** Reads MessagePack, as far as parents send it. */
export function unpack(bytes) {
  let at = 0;
  const take = (length) => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  const size = (length) => take(length).readUIntBE(0, length);
  const text = (length) => take(length).toString();
  const many = (length, read) => Array.from({ length }, read);
  const map = (length) => Object.fromEntries(many(length, () => [value(), value()]));
  const value = () => {
    const head = size(1);
    const [type, length] = [head & 0xe0, head & 31];
    if (head < 0x80 || type === 0xe0) {
      return head < 0x80 ? head : head - 256;
    }
    if (type === 0xa0) {
      return text(length);
    }
    if (type === 0x80) {
      return head < 0x90 ? map(head & 15) : many(head & 15, value);
    }
    switch (head) {
      case 0xc0:
        return null;
      case 0xc2:
      case 0xc3:
        return head === 0xc3;
      case 0xc4:
      case 0xd9:
        return text(size(1));
      case 0xc5:
      case 0xda:
        return text(size(2));
      case 0xca:
        return take(4).readFloatBE();
      case 0xcb:
        return take(8).readDoubleBE();
      case 0xcc:
      case 0xcd:
      case 0xce:
        return size(1 << (head - 0xcc));
      case 0xcf:
      case 0xd3:
        return Number(take(8).readBigInt64BE());
      case 0xd0:
      case 0xd1:
      case 0xd2:
        return take(1 << (head - 0xd0)).readIntBE(0, 1 << (head - 0xd0));
      case 0xdc:
        return many(size(2), value);
      case 0xde:
        return map(size(2));
      default:
        throw new Error(`A value with the head ${head} is not read here.`);
    }
  };
  return value();
}
