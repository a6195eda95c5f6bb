// The contract of channel.ts as a suite for any implementation and any test runner.

import { closingRules } from "./closing-rules.js";
import { connectionRules } from "./connection-rules.js";
import { decisionRules } from "./decision-rules.js";
import { peerRules } from "./peer-rules.js";
import { sendingRules } from "./sending-rules.js";
import type { ContractCase, ContractSetup } from "./setup.js";
import { TestBench } from "./test-bench.js";

/**
 * The cases of the contract for one transport. Each opens its own channels and leaves nothing open.
 *
 * ```ts
 * describe("my transport keeps the contract of a channel", () => {
 *   for (const { name, run } of channelContract(mySetup)) it(name, run);
 * });
 * ```
 *
 * A case takes up to 15 seconds when a rule is broken. The suite needs `node:assert`, and a process without other tests
 * running at the same time, since one case captures uncaught exceptions.
 */
export function channelContract(setup: ContractSetup): readonly ContractCase[] {
  return [...sendingRules, ...connectionRules, ...peerRules, ...decisionRules, ...closingRules]
    .filter((rule) => rule.applies?.(setup) ?? true)
    .map(({ name, limits = {}, check }) => ({
      name,
      run: () => TestBench.run(setup, limits, check),
    }));
}
