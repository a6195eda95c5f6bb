// Tests of a worker, declared with the functions of any runner.

import assert from "node:assert/strict";
import { ChannelFaults, createFakeClock, testChannelContract, testWorker } from "@multifrost/testing";
import { ChildWorker, createMemoryTransport, RemoteCallError, SerializationError } from "multifrost";

class MathWorker extends ChildWorker {
  add(a, b) {
    return a + b;
  }
  fail() {
    throw new RangeError("no");
  }
}

export function declare({ describe, it }) {
  it("calls a worker of this process", async () => {
    const worker = await testWorker(new MathWorker());
    assert.equal(await worker.call.add(1, 2), 3);
    await assert.rejects(
      worker.call.fail(),
      (error) => error instanceof RemoteCallError && error.remoteName === "RangeError",
    );
    await assert.rejects(worker.call.add(Symbol("no")), SerializationError);
    await worker.stop();
  });

  it("sends values as a connection does", async () => {
    const worker = await testWorker(new MathWorker(), {
      faults: new ChannelFaults({ seed: 1, delay: 1, maxDelayMs: 2 }),
    });
    assert.deepEqual(await worker.callFunction("add", ["a", "b"]), "ab");
    await worker.stop();
  });

  testChannelContract(
    "a transport",
    {
      createPair(limits) {
        const transport = createMemoryTransport(limits);
        return { server: () => transport.server, client: () => transport.client() };
      },
    },
    { describe, it },
  );
  assert.equal(createFakeClock().now(), 0);
}
