// Registers a service that a killed process of the same pid may have left, says so, and waits for its own kill.

import { createFileRegistry } from "@multifrost/registry";

const registry = createFileRegistry({ directory: process.env.CHAOS_DIRECTORY });
try {
  await registry.register({ serviceId: "crashing", port: 1 });
  console.log(`registered ${process.pid}`);
} catch (error) {
  console.log(error.code);
}
setInterval(() => {}, 1_000);
