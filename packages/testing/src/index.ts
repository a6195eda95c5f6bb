/**
 * `@multifrost/testing`: workers in unit tests, faults from a seed, and the suite for transports that you write.
 *
 * @packageDocumentation
 */

export { createSeededRandom } from "@multifrost/protocol/internal";
export { channelContract } from "./contract/channel-contract.js";
export type { ContractCase, ContractPair, ContractSetup } from "./contract/setup.js";
export { type TestFunctions, testChannelContract } from "./contract/test-channel-contract.js";
export { createFakeClock, type FakeClock } from "./fake-clock.js";
export { ChannelFaults } from "./faults/channel-faults.js";
export type { ChannelFault, ChannelFaultOptions, FaultCounts } from "./faults/fault-plan.js";
export { type ProcessFaultOptions, ProcessFaults, type WorkerWithProcess } from "./faults/process-faults.js";
export { type TestableWorker, TestWorker, type TestWorkerOptions, testWorker } from "./test-worker.js";
