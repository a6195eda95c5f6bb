// The contract suite as tests of any runner.

import { channelContract } from "./channel-contract.js";
import type { ContractSetup } from "./setup.js";

/** `describe` and `it` of vitest, Jest, Mocha or `node:test`. */
export interface TestFunctions {
  describe(title: string, tests: () => void): unknown;
  it(title: string, test: () => Promise<void>, timeoutMs?: number): unknown;
}

/** Longer than the longest case, for runners that limit each test. */
const TIMEOUT_MS = 60_000;

/**
 * Declares a test for each rule of the contract that applies to a transport.
 *
 * ```ts
 * import { describe, it } from "vitest"; // or from "node:test"; Jest has them as globals
 * testChannelContract("my transport", mySetup, { describe, it });
 * ```
 */
export function testChannelContract(title: string, setup: ContractSetup, { describe, it }: TestFunctions): void {
  describe(title, () => {
    for (const { name, run } of channelContract(setup)) {
      it(name, run, TIMEOUT_MS);
    }
  });
}
