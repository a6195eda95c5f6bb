// The subpath `@multifrost/transport/contract`.

export { channelContract } from "./channel-contract.js";
export type { ContractCase, ContractPair, ContractSetup } from "./setup.js";
