"""A gRPC server on grpcio. Prints its port. Argument: ``threads`` or ``asyncio``, the two kinds that grpcio has."""

import asyncio
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

sys.path.insert(0, str(Path(__file__).parent))
messages, services = grpc.protos_and_services("calculator.proto")


class Calculator(services.CalculatorServicer):  # type: ignore[misc, name-defined]
    def Add(self, terms: Any, context: grpc.ServicerContext) -> Any:
        return messages.Sum(value=terms.a + terms.b)


class AsyncCalculator(services.CalculatorServicer):  # type: ignore[misc, name-defined]
    async def Add(self, terms: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        return messages.Sum(value=terms.a + terms.b)


def serve_in_threads() -> None:
    server = grpc.server(ThreadPoolExecutor(max_workers=8))
    services.add_CalculatorServicer_to_server(Calculator(), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    server.wait_for_termination()


async def serve_on_asyncio() -> None:
    server = grpc.aio.server()
    services.add_CalculatorServicer_to_server(AsyncCalculator(), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start()
    await server.wait_for_termination()


def end_with_stdin() -> None:
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_stdin, daemon=True).start()
if sys.argv[1] == "asyncio":
    asyncio.run(serve_on_asyncio())
else:
    serve_in_threads()
