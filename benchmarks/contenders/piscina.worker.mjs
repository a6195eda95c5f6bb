// The thread. It needs the bytes no more once they are sent back: they are moved.

import { move } from "piscina";

export const add = ({ a, b }) => a + b;

export const object = (value) => value;

export const echo = (bytes) => move(bytes);
