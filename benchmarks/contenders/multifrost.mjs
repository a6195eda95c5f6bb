// Multifrost as its users have it: a spawned worker, every option at its default.

import { ParentWorker } from "multifrost";

export async function open({ transport }) {
  const worker = ParentWorker.spawn(new URL("./multifrost.worker.mjs", import.meta.url), { transport });
  await worker.start();
  return {
    add: (a, b) => worker.call.add(a, b),
    echo: (bytes) => worker.call.echo(bytes),
    object: (value) => worker.call.object(value),
    close: () => worker.stop(),
  };
}
