"""The parent's socket, against a raw ROUTER."""

from __future__ import annotations

import asyncio
import threading

import zmq

from multifrost.parent.link import MESSAGES_PER_TURN, Link

ANSWERS = 4 * MESSAGES_PER_TURN


def test_what_arrived_before_the_end_of_the_connection_is_read() -> None:
    router = zmq.Context().socket(zmq.ROUTER)
    router.set(zmq.SNDHWM, 0)  # by default the ROUTER would drop what comes after the first 1000
    port = router.bind_to_random_port("tcp://127.0.0.1")

    def answer_and_leave(peer: bytes) -> None:
        for number in range(ANSWERS):
            router.send_multipart([peer, b"", number.to_bytes(2, "big")])
        router.context.destroy(linger=10_000)  # returns when all of it has left

    async def main() -> None:
        received: list[bytes | None] = []
        link = Link(received.append)
        link.connect(port)
        link.send(b"call")
        peer, *_ = await asyncio.to_thread(router.recv_multipart)
        service = threading.Thread(target=answer_and_leave, args=[peer])
        service.start()
        service.join()  # the loop stands still meanwhile, and reads nothing
        assert link._monitor.poll(10_000), "the end of the connection was not noticed"
        link._look_at_monitor()  # as the loop would
        link.close()
        assert link.down.is_set()
        assert received == [number.to_bytes(2, "big") for number in range(ANSWERS)]

    asyncio.run(main())
