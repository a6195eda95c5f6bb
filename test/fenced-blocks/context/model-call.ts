import type { ParentWorker } from "multifrost";

/** The context of docs/errors.md. */
export declare const worker: ParentWorker<{ predict(features: number[]): number }>;
export declare const cached: number;
