import type { ChildWorker } from "multifrost/child";

/** The context of examples/own-transport/README.md. */
export declare const netClient: typeof import("../../../examples/own-transport/net-client.js").netClient;
export declare const netServer: typeof import("../../../examples/own-transport/net-server.js").netServer;
export declare const port: number;

export declare class WordWorker extends ChildWorker {
  shout(text: string): string;
}
