// The contract of channel.ts as a suite that any implementation can run, with any test runner.

import { closingRules } from "./closing-rules.js";
import { connectionRules } from "./connection-rules.js";
import { peerRules } from "./peer-rules.js";
import { sendingRules } from "./sending-rules.js";
import type { ContractCase, ContractSetup } from "./setup.js";
import { onStage } from "./stage.js";

/**
 * The cases of the contract for one transport. Each opens its own channels and leaves nothing open.
 *
 * ```ts
 * describe("my transport keeps the contract of a channel", () => {
 *   for (const { name, run } of channelContract(mySetup)) it(name, run);
 * });
 * ```
 *
 * A case takes up to 15 seconds where a rule is broken. It needs `node:assert` and a process of its own, since one
 * case looks at uncaught exceptions.
 */
export function channelContract(setup: ContractSetup): readonly ContractCase[] {
  return [...sendingRules, ...connectionRules, ...peerRules, ...closingRules]
    .filter((rule) => rule.applies?.(setup) ?? true)
    .map(({ name, limits = {}, play }) => ({
      name,
      run: () => onStage(setup, setup.createPair(limits), play),
    }));
}
