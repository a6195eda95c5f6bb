import { MultifrostError } from "@multifrost/protocol/errors";
import { countsAgainstWorker } from "@multifrost/protocol/internal";

/** Whether an error that ended a call counts as a failure of the worker. */
export type FailureRule = (error: unknown) => boolean;

/**
 * The default rule. Exits, lost connections, timeouts and errors thrown by the method count. The caller's mistakes,
 * aborts, values that cannot be sent and overload do not. An error that is not a `MultifrostError`, or has a code from a
 * newer version, counts.
 */
export function isWorkerFailure(error: unknown): boolean {
  return !(error instanceof MultifrostError) || countsAgainstWorker(error.code);
}

/**
 * The default rule with exemptions, for example for validation errors.
 *
 * @param isFailure Asked only about errors that count by default; returns `false` to exempt one. If it throws, the error
 *   counts. Default: no exemptions.
 */
export function createFailureRule(isFailure?: FailureRule): FailureRule {
  if (isFailure === undefined) {
    return isWorkerFailure;
  }
  return (error) => {
    if (!isWorkerFailure(error)) {
      return false;
    }
    try {
      return isFailure(error);
    } catch {
      return true;
    }
  };
}
