import { ChildWorker } from "multifrost";

class Greeter extends ChildWorker {
  greet(name) {
    return `hello, ${name}`;
  }
}

new Greeter("packed-greeter").run();
