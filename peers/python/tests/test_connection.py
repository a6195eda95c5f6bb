"""The parent's connection, against a raw ROUTER socket."""

from __future__ import annotations

import asyncio

import zmq

from multifrost._messages import Messages
from multifrost._parent.zeromq_connection import MESSAGES_PER_TURN, ZeroMqConnection
from multifrost._parent.zmtp_connection import ZmtpConnection
from multifrost._zmtp.reader import Payload

ANSWERS = 4 * MESSAGES_PER_TURN


def answer_and_leave(router: zmq.Socket[bytes], peer: bytes) -> None:
    for number in range(ANSWERS):
        router.send_multipart([peer, b"", number.to_bytes(2, "big")])
    router.context.destroy(linger=10_000)  # returns when everything was sent


def test_zmtp_reads_messages_that_arrived_before_the_connection_ended() -> None:
    router = zmq.Context().socket(zmq.ROUTER)
    router.set(zmq.SNDHWM, 0)  # by default the ROUTER drops messages after the first 1000
    port = router.bind_to_random_port("tcp://127.0.0.1")

    async def main() -> None:
        received: list[Payload | None] = []
        connection = ZmtpConnection(received.append, lambda: None, Messages())
        connection.connect(port)
        connection.send(b"call")
        peer, *_ = await asyncio.to_thread(router.recv_multipart)
        answer_and_leave(router, peer)  # blocks the loop, so that it reads nothing meanwhile
        await asyncio.wait_for(connection.down.wait(), 10)
        connection.close()
        assert received == [number.to_bytes(2, "big") for number in range(ANSWERS)]

    asyncio.run(main())


def test_zeromq_reads_messages_that_arrived_before_the_connection_ended_are_read() -> None:
    router = zmq.Context().socket(zmq.ROUTER)
    router.set(zmq.SNDHWM, 0)  # by default the ROUTER drops messages after the first 1000
    port = router.bind_to_random_port("tcp://127.0.0.1")

    async def main() -> None:
        received: list[Payload | None] = []
        connection = ZeroMqConnection(received.append)
        connection.connect(port)
        connection.send(b"call")
        peer, *_ = await asyncio.to_thread(router.recv_multipart)
        answer_and_leave(router, peer)  # blocks the loop, so that it reads nothing meanwhile
        assert connection._monitor.poll(10_000), "the end of the connection was not reported"
        connection._on_monitor_event()  # as the loop would
        connection.close()
        assert connection.down.is_set()
        assert received == [number.to_bytes(2, "big") for number in range(ANSWERS)]

    asyncio.run(main())
