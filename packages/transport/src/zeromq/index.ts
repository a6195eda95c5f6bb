// The subpath `@multifrost/transport/zeromq`.

export { zeromqClient, zeromqServer } from "./open-channel.js";
export type { BindAddress, ZeromqOptions } from "./socket-options.js";
