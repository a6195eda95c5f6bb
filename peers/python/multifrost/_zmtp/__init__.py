"""ZMTP 3.1, the protocol of ZeroMQ sockets, spoken over plain sockets: DEALER and ROUTER, mechanism NULL."""
