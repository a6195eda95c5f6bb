// The processes that make the calls, one for each contender.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { findContender } from "../contenders/list.mjs";
import { nodeFor } from "./runtimes.mjs";

const DRIVER = fileURLToPath(new URL("./driver.mjs", import.meta.url));

/** How long one command may take, in milliseconds. */
const MOST_MS = 60_000;

export class Driver {
  #process;
  #pending;
  id;

  constructor(id) {
    this.id = id;
    const execPath = nodeFor(findContender(id));
    this.#process = fork(DRIVER, [id], { execPath, stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#process.on("message", (message) => this.#pending?.resolve(message));
    this.#process.on("exit", (code) => this.#pending?.reject(new Error(`the driver ended with code ${code}`)));
    this.#process.on("error", (error) => this.#pending?.reject(error));
  }

  /** Has the driver do something. Rejects when it fails, ends, or takes longer than a minute. */
  async ask(command, ...args) {
    const timer = setTimeout(() => this.#pending.reject(new Error(`no answer after ${MOST_MS / 1000} s`)), MOST_MS);
    try {
      const { result, error } = await new Promise((resolve, reject) => {
        this.#pending = { resolve, reject };
        this.#process.send({ command, args });
      });
      if (error !== undefined) {
        throw new Error(error);
      }
      return result;
    } catch (error) {
      throw new Error(`${this.id}, ${command}: ${error.message}`);
    } finally {
      clearTimeout(timer);
      this.#pending = undefined;
    }
  }

  /** Ends the driver, and with it what it started. One that does not end by itself is killed after 5 s. */
  async end() {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) {
      return;
    }
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), 5_000);
    this.#process.disconnect();
    await once(this.#process, "exit");
    clearTimeout(timer);
  }
}
