import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createCodec } from "../../protocol/src/index.js";
import { zmtpServer } from "../../transport/src/index.js";
import { answersHeartbeat } from "../src/heartbeat-probe.js";

/** The port of a server that treats each connection as `serve` does. */
async function listen(serve: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    serve(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) {
      socket.destroy();
    }
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** The port of a service with this app id, which answers messages as `answer` does. */
async function serve(
  app: string,
  answer: (id: string, request: Uint8Array) => Uint8Array | undefined,
): Promise<number> {
  const codec = createCodec({ app });
  const ignored = (): void => {};
  const channel = await zmtpServer({ bind: { port: 0 } }).open({
    message: (peer, bytes) => {
      try {
        const reply = answer(codec.decode(bytes).id, bytes);
        if (reply !== undefined) {
          channel.send(peer, reply);
        }
      } catch {
        // For another app: ignored.
      }
    },
    peerGone: ignored,
    up: ignored,
    down: ignored,
    dropped: ignored,
    refused: ignored,
    failed: ignored,
  });
  onTestFinished(() => channel.close());
  return Number(new URL(channel.endpoint).port);
}

test.each(["comlink_ipc_v3", "comlink_ipc_v4"])("a service with the app id %s answers", async (app) => {
  const { encode } = createCodec({ app });
  const port = await serve(app, (id) => encode({ type: "heartbeat", id, timestamp: 1.5 }));
  expect(await answersHeartbeat(port)).toBe(true);
});

test("nothing listens", async () => {
  const port = await listen(() => {});
  const closed = createServer().listen(0, "127.0.0.1");
  await once(closed, "listening");
  const free = (closed.address() as AddressInfo).port;
  closed.close();
  expect(await answersHeartbeat(free)).toBe(false);
  expect(await answersHeartbeat(port, AbortSignal.abort())).toBe(false);
});

test.each<[string, (socket: Socket) => void]>([
  ["closes the connection", (socket) => socket.destroy()],
  ["echoes what it gets", (socket) => socket.pipe(socket)],
  ["answers in HTTP", (socket) => socket.end(`HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n${" ".repeat(80)}`)],
  ["sends zeros without end", (socket) => void setInterval(() => socket.write(Buffer.alloc(1 << 18)), 1).unref()],
  [
    "sends a greeting of ZMTP 1.0",
    (socket) => socket.write(Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 0, ...Array(60).fill(0)])),
  ],
])("a program that %s is no service", async (_what, serve) => {
  expect(await answersHeartbeat(await listen(serve))).toBe(false);
});

test("a program that says nothing, echoes each message or answers another one is no service", async () => {
  const { encode } = createCodec();
  const ports = [
    await listen(() => {}),
    await serve("comlink_ipc_v3", () => undefined),
    await serve("comlink_ipc_v3", (_id, request) => request),
    await serve("comlink_ipc_v3", (id) => encode({ type: "heartbeat", id: `${id.slice(1)}0`, timestamp: 1.5 })),
    await serve("comlink_ipc_v3", (id) => encode({ type: "error", id, timestamp: 1.5, error: "no" } as never)),
  ];
  expect(await Promise.all(ports.map((port) => answersHeartbeat(port)))).toEqual([false, false, false, false, false]);
});
