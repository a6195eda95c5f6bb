// The subpath `@multifrost/transport/zeromq`.

export type { BindAddress, ZeromqOptions } from "./options.js";
export { zeromqClient, zeromqServer } from "./zeromq-transport.js";
