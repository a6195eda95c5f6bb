"""The environment variables by which a parent tells the process that it spawns where to connect."""

PORT_VARIABLE = "COMLINK_ZMQ_PORT"
"""A TCP port of the loopback interface. All implementations know it."""

MODE_VARIABLE = "COMLINK_WORKER_MODE"
"""``1`` in a spawned process."""

ENDPOINT_VARIABLE = "MULTIFROST_ENDPOINT"
"""A private endpoint, such as ``ipc:///tmp/x/socket``. It wins over the port."""

TOKEN_VARIABLE = "MULTIFROST_TOKEN"
"""Proves to the parent that a connection is the worker's."""

ALL_VARIABLES = (PORT_VARIABLE, MODE_VARIABLE, ENDPOINT_VARIABLE, TOKEN_VARIABLE)
