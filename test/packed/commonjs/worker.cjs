const { ChildWorker } = require("multifrost");

class TextWorker extends ChildWorker {
  upper(text) {
    return text.toUpperCase();
  }
}

new TextWorker().run();
