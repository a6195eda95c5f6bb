// Binary for contenders whose messages are JSON.

export const toBase64 = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");

export const fromBase64 = (text) => Buffer.from(text, "base64");
