// The states of a child's life, and no other words for them. The parent's twin: parent/src/state.ts.

/** Where a child is in its life; it goes through these in this order, once. */
export type ChildState = "idle" | "starting" | "running" | "stopping" | "stopped";
