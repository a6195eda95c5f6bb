import { ChildWorker } from "multifrost";

class MathWorker extends ChildWorker {
  add(a, b) {
    return a + b;
  }

  async divide(a, b) {
    if (b === 0) {
      throw new RangeError("division by zero");
    }
    return a / b;
  }

  say(text) {
    console.log(text);
  }
}

new MathWorker().run();
