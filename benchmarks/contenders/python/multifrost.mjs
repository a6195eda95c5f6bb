// A Python worker of Multifrost, every option at its default unless the list says otherwise.

import { fileURLToPath } from "node:url";
import { ParentWorker } from "multifrost";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

export async function open({ transport }) {
  const worker = ParentWorker.spawn(path("./worker.py"), "python3", {
    transport,
    env: { PYTHONPATH: path("../../../peers/python"), MULTIFROST_TRANSPORT: transport },
  });
  await worker.start();
  return { add: (a, b) => worker.call.add(a, b), close: () => worker.stop() };
}
