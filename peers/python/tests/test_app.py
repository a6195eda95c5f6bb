"""Workers and parents with another app id, and programs that are no workers."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
import zmq

from multifrost import ChildWorker, ParentWorker, RemoteCallError
from multifrost._messages import Messages
from multifrost._registry import Registry
from multifrost.errors import ConnectionLostError, LaunchError, MultifrostError, SpawnError

SCRIPT = str(Path(__file__).with_name("app_worker.py"))


@pytest.mark.parametrize("app", ["comlink_ipc_v4", "100% ours %b"])
def test_both_sides_may_have_another_app_id(app: str) -> None:
    async def body() -> None:
        async with ParentWorker.spawn(SCRIPT, app=app, env={"TEST_APP": app}) as worker:
            assert [await worker.call.add(index, 1) for index in range(3)] == [1, 2, 3]
            assert await worker.list_functions() == ["add", "fail"]
            with pytest.raises(RemoteCallError) as raised:
                await worker.call.fail()
            assert raised.value.remote_message == "no"

    asyncio.run(body())


def test_a_worker_with_another_app_id_is_not_reached() -> None:
    async def body() -> None:
        worker = ParentWorker.spawn(SCRIPT, env={"TEST_APP": "comlink_ipc_v4"}, start_timeout=1.5)
        with pytest.raises(SpawnError):
            await worker.start()

    asyncio.run(body())


def test_messages_of_another_app_are_ignored() -> None:
    ours, theirs = Messages(), Messages("comlink_ipc_v4")
    assert theirs.read(theirs.heartbeat("i")) is not None
    for one, other in ((ours, theirs), (theirs, ours)):
        for payload in (one.heartbeat("i"), one.call("i", "f", [], "default"), one.response(b"i" * 36, 1)):
            assert other.read(payload) is None


@pytest.mark.parametrize("app", ["", 5])
def test_an_invalid_app_id_is_refused(app: str) -> None:
    with pytest.raises(MultifrostError, match="app must be a text that is not empty"):
        ParentWorker.spawn(SCRIPT, app=app)
    with pytest.raises(LaunchError, match="app must be a text that is not empty"):
        ChildWorker("x", app=app).start()


@pytest.mark.parametrize("transport", ["zmtp", "zeromq"])
def test_a_server_that_sends_everything_back_is_no_worker(tmp_path: Path, transport: str) -> None:
    with zmq.Context() as context, context.socket(zmq.ROUTER) as echo:
        echo.linger = 0
        port = echo.bind_to_random_port("tcp://127.0.0.1")
        ended = threading.Event()

        def send_back() -> None:
            while not ended.is_set():
                if echo.poll(20):
                    echo.send_multipart(echo.recv_multipart())

        thread = threading.Thread(target=send_back)
        thread.start()
        try:
            registry = Registry(str(tmp_path))
            registry.register("echo", port)

            async def body() -> None:
                worker = await ParentWorker.connect("echo", 1.0, registry=registry, transport=transport)
                with pytest.raises(ConnectionLostError):
                    await worker.start()
                await worker.stop()

            asyncio.run(body())
        finally:
            ended.set()
            thread.join()
