import type { ClientEvents, ServerEvents } from "@multifrost/transport";

/** The context of packages/transport/README.md. */
export declare const clientEvents: ClientEvents;
export declare const serverEvents: ServerEvents;
