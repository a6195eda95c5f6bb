// `@multifrost/transport`: the contract of a channel and its implementations.

export type {
  Channel,
  ChannelCapabilities,
  ChannelLimits,
  ClientChannel,
  ClientEvents,
  ClientTransport,
  CloseOptions,
  Connection,
  ConnectionEvents,
  DropReason,
  Peer,
  SendOptions,
  SendSettled,
  ServerChannel,
  ServerEvents,
  ServerTransport,
} from "./channel.js";
export { formatTcpEndpoint, LOOPBACK, parseTcpEndpoint, type TcpAddress } from "./endpoint.js";
export { DEFAULT_CHANNEL_LIMITS } from "./limits.js";
export { createMemoryTransport, type MemoryTransport } from "./memory/index.js";
export { chooseTransport, TRANSPORT_VARIABLE, type TransportName } from "./transport-name.js";
export { type BindAddress, type ZeromqOptions, zeromqClient, zeromqServer } from "./zeromq/index.js";
export {
  type ConnectAddress,
  type ListenAddress,
  type PrivateEndpoint,
  privateEndpoint,
  type SocketPath,
  type ZmtpOptions,
  type ZmtpSettings,
  zmtpClient,
  zmtpServer,
} from "./zmtp/index.js";
