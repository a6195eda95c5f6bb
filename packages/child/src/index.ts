// @multifrost/child: the answering side.

export { ChildWorker } from "./child-worker.js";
export type { ChildOptions } from "./options.js";
