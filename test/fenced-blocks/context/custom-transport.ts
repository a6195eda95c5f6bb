import type { ChannelLimits, ClientTransport, ServerTransport } from "@multifrost/transport";

/** The context of packages/transport/README.md. */
export declare function myClient(options: ChannelLimits & { connect: string | undefined }): ClientTransport;
export declare function myServer(options: ChannelLimits & { listen: string }): ServerTransport;
