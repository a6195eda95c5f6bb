// Multifrost as its users have it: a spawned worker, every option at its default unless the list says otherwise.

import { ParentWorker } from "multifrost";

export async function open(options) {
  const worker = ParentWorker.spawn(new URL("./multifrost.worker.mjs", import.meta.url), options);
  await worker.start();
  return {
    add: (a, b) => worker.call.add(a, b),
    echo: (bytes) => worker.call.echo(bytes),
    object: (value) => worker.call.object(value),
    wait: () => worker.call.wait(),
    close: () => worker.stop(),
  };
}
