// The subpath `@multifrost/transport/zmtp`.

export {
  type ConnectAddress,
  type ListenAddress,
  type PrivateEndpoint,
  privateEndpoint,
  type SocketPath,
} from "./addresses.js";
export type { ZmtpOptions, ZmtpSettings } from "./options.js";
export { zmtpClient, zmtpServer } from "./zmtp-transport.js";
