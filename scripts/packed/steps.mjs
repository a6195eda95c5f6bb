// Runs steps one after the other and says how each went, in one line.

/** Makes a runner that counts. */
export function createSteps() {
  let passed = 0;
  let failed = 0;
  return {
    /** Runs a step; resolves to whether it passed. Never rejects. */
    async step(title, run) {
      const begin = performance.now();
      try {
        await run();
        passed += 1;
        console.log(`ok    ${title} (${seconds(begin)})`);
        return true;
      } catch (error) {
        failed += 1;
        console.log(`FAIL  ${title} (${seconds(begin)})\n${indented(describe(error))}`);
        return false;
      }
    },
    /** Prints the closing line; gives the exit code. */
    summary() {
      console.log(`${passed} passed, ${failed} failed`);
      return failed === 0 ? 0 : 1;
    },
  };
}

function seconds(begin) {
  return `${((performance.now() - begin) / 1000).toFixed(1)} s`;
}

/** A failed command and a failed check say all in their message; anything else needs its stack. */
function describe(error) {
  return error?.isFailure === true ? error.message : String(error?.stack ?? error);
}

function indented(text) {
  return text.trimEnd().replaceAll(/^/gm, "      ");
}
