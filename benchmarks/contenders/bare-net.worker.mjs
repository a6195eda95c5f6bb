// Connects, and gives every small message the answer that came first. Long ones go back as they are.

import { connect } from "node:net";
import { Frames } from "./frames.mjs";

const address = process.argv[2];
const socket = connect(/^\d+$/.test(address) ? { port: Number(address), host: "127.0.0.1", noDelay: true } : address);
let answer;
const frames = new Frames(socket, (bytes) => {
  answer ??= bytes;
  frames.send(bytes.length < 1024 ? answer : bytes);
});
