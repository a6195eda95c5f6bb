"""What can go wrong, each with a stable ``code``, the same one that the TypeScript packages use."""

from __future__ import annotations


class MultifrostError(Exception):
    """Base of every error that this package raises itself."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class LaunchError(MultifrostError):
    """The worker cannot start: its port is wrong, or it was given nothing to listen on."""


class CallError(MultifrostError):
    """The caller's own mistake: nothing of the worker's was run."""


class RegistryError(MultifrostError):
    """The service registry refused: the id is taken, a lock is held, the folder cannot be written."""


class SerializationError(MultifrostError):
    """A value that MessagePack has no place for; the message begins with the path to it."""

    def __init__(self, code: str, reason: str, path: str = "") -> None:
        super().__init__(code, f"{path}: {reason}")
        self.reason = reason
        self.path = path

    def under(self, step: str) -> SerializationError:
        """The same error seen from one container further out."""
        return SerializationError(self.code, self.reason, step + self.path)
