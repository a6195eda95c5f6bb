// The HTTP service in front of the Python worker. Every request gets an answer, whatever the worker does.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { CircuitOpenError, type ParentWorker, RemoteCallError, TimeoutError, WorkerExitedError } from "multifrost";
import type { WineModel } from "./wine-model.js";

/** The largest request body, in bytes. */
const MOST_BYTES = 1_000_000;

/** `GET /features` and `POST /predictions` with `{"wines": [[13 numbers], …]}`. */
export function createWineServer(worker: ParentWorker<WineModel>): Server {
  return createServer(async (request, response) => {
    try {
      answer(response, 200, await handle(request, worker));
    } catch (error) {
      const [status, message] = explain(error);
      answer(response, status, { error: message });
    }
  });
}

async function handle(request: IncomingMessage, worker: ParentWorker<WineModel>): Promise<unknown> {
  switch (`${request.method} ${request.url}`) {
    case "GET /features":
      return { features: await worker.call.features() };
    case "POST /predictions":
      return { predictions: await worker.call.predict(await winesOf(request)) };
    default:
      throw new BadRequest("try GET /features or POST /predictions");
  }
}

class BadRequest extends Error {}

async function winesOf(request: IncomingMessage): Promise<number[][]> {
  if (!(Number(request.headers["content-length"]) <= MOST_BYTES)) {
    throw new BadRequest(`a body needs a Content-Length of at most ${MOST_BYTES}`);
  }
  const body = (await json(request).catch(() => undefined)) as { wines?: unknown } | undefined;
  if (!Array.isArray(body?.wines)) {
    throw new BadRequest('the body has to be {"wines": [[…], …]}');
  }
  return body.wines as number[][];
}

/** The HTTP status and message for an error. */
function explain(error: unknown): [status: number, message: string] {
  if (error instanceof BadRequest) {
    return [400, error.message];
  }
  if (error instanceof WorkerExitedError || error instanceof CircuitOpenError) {
    return [503, "the model is being restarted; try again in a moment"];
  }
  if (error instanceof RemoteCallError && error.remoteName === "ValueError") {
    return [422, error.remoteMessage];
  }
  return error instanceof TimeoutError ? [504, "the model took too long"] : [500, "the model failed"];
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(`${JSON.stringify(body)}\n`);
}
