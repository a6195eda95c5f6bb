import { expect, it } from "vitest";
import { MultifrostError } from "../../src/errors/index.js";
import { APP_ID, DEFAULT_NAMESPACE } from "../../src/index.js";
import { PORT_VARIABLE, parsePort, UNFORWARDED_WRITE, WORKER_MODE_VARIABLE } from "../../src/internal/index.js";
import { thrownBy } from "../wire.js";

it("[NET-3] [LIFE-1] uses the names of every implementation", () => {
  expect([APP_ID, DEFAULT_NAMESPACE, PORT_VARIABLE, WORKER_MODE_VARIABLE]).toEqual([
    "comlink_ipc_v3",
    "default",
    "COMLINK_ZMQ_PORT",
    "COMLINK_WORKER_MODE",
  ]);
  expect(Symbol.keyFor(UNFORWARDED_WRITE)).toBe("multifrost.unforwardedWrite");
});

it("[NET-4] a port is a whole number from 1024 to 65535", () => {
  expect(["1024", "65535", " 40123\n"].map(parsePort)).toEqual([1024, 65_535, 40_123]);
});

it.each(["", " ", "0", "1023", "65536", "-5000", "5000.5", "5e3", "0x1388", "5000x", "port", "NaN", "99999999"])(
  "[NET-4] %o is no port, and the error says what to do",
  (text) => {
    const error = thrownBy(() => parsePort(text), MultifrostError);
    expect(error.code).toBe("INVALID_PORT");
    expect(error.message).toBe(
      `COMLINK_ZMQ_PORT is "${text}", which is not a port: it must be a whole number from 1024 to 65535. ` +
        "The parent sets it when it spawns a worker; unset it to run this one as a service.",
    );
    expect(error.message).not.toContain("\n");
  },
);
