// What a parent's life is made of. Put together by parent-worker.ts, one for each way to a worker.

import type { Codec } from "@multifrost/protocol";
import type { EmitEvent } from "./events.js";
import type { OpenLink } from "./link.js";
import type { ParentOptions, ResolvedOptions } from "./options.js";

/** What follows the end of a link: a process is restarted if the user wants it, a service looked up again, the rest is over. */
export type LifeKind = "spawned" | "service" | "composed";

/** What a life is made of. */
export interface LifeConfig {
  readonly name: string;
  readonly serviceId: string | undefined;
  readonly codec: Codec;
  readonly open: OpenLink;
  readonly kind: LifeKind;
  readonly given: ParentOptions;
  readonly options: ResolvedOptions;
  readonly notify: EmitEvent;
}
