"""The bare peer in Python, on pyzmq alone. It does the same as ../../bare/echo-peer.mjs."""

import os
import sys
import threading

import zmq


def end_with_stdin() -> None:
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_stdin, daemon=True).start()
router = zmq.Context().socket(zmq.ROUTER)
router.connect(sys.argv[1])
answer = None
while True:
    peer, _, payload = router.recv_multipart()
    answer = answer or payload
    router.send_multipart([peer, b"", answer])
