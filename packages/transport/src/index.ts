// `@multifrost/transport`: the contract of a channel and its implementations.

export type {
  Channel,
  ChannelLimits,
  ClientChannel,
  ClientEvents,
  ClientTransport,
  CloseOptions,
  ConnectionEvents,
  DropReason,
  Peer,
  SendSettled,
  ServerChannel,
  ServerEvents,
  ServerTransport,
} from "./channel.js";
export { formatTcpEndpoint, LOOPBACK, parseTcpEndpoint, type TcpAddress } from "./endpoint.js";
export { DEFAULT_CHANNEL_LIMITS } from "./limits.js";
export {
  createMemoryTransport,
  type MemoryTransport,
  type MemoryTransportOptions,
  type NetworkConditions,
} from "./memory/index.js";
export { type BindAddress, type ZeromqOptions, zeromqClient, zeromqServer } from "./zeromq/index.js";
