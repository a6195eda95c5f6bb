// The worker that is called. It counts from its start on, and hands its counts over when the parent asks.

import { answer } from "./control.mjs";
import { createCounter } from "./counter.mjs";

const counter = await createCounter();
const { ChildWorker } = await import(new URL("child/src/index.ts", process.env.CALL_PATH_PACKAGES).href);

class AddingWorker extends ChildWorker {
  add(a, b) {
    return a + b;
  }
}

new AddingWorker().run();
answer(Number(process.env.CALL_PATH_PORT), counter.take);
