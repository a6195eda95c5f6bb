// The transport that this run of the tests is about: the default, or what MULTIFROST_TRANSPORT says.

import { chooseTransport, TRANSPORT_VARIABLE, zeromqClient, zmtpClient } from "@multifrost/transport";

/** The name of the transport. */
export const networkName = chooseTransport(undefined, process.env);

/** A parent's end over it. */
export const networkClient = networkName === "zmtp" ? zmtpClient : zeromqClient;

/** Makes the fixtures use it, too. */
export const networkEnvironment = { [TRANSPORT_VARIABLE]: networkName };
