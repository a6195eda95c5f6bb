"""What can go wrong, each with a stable ``code``, the same one that the TypeScript packages use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


class MultifrostError(Exception):
    """Base of every error that this package raises itself."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class LaunchError(MultifrostError):
    """The worker cannot start: its port is wrong, or it was given nothing to listen on."""


class CallError(MultifrostError):
    """The caller's own mistake, as the worker answers it: nothing of the worker's was run."""


class RegistryError(MultifrostError):
    """The service registry refused: the id is taken or unknown, a lock is held, the folder cannot be written."""


class MalformedMessageError(MultifrostError):
    """Bytes from a peer that are no message; with the message's id and type where those could be read."""

    def __init__(self, code: str, reason: str, message_id: str | None = None, message_type: str | None = None) -> None:
        super().__init__(code, reason)
        self.message_id = message_id
        self.message_type = message_type


class SerializationError(MultifrostError):
    """A value that cannot be sent, or an answer that cannot be read; the message begins with the path to it."""

    def __init__(self, code: str, reason: str, path: str = "") -> None:
        super().__init__(code, f"{path}: {reason}" if path else reason)
        self.reason = reason
        self.path = path

    def under(self, step: str) -> SerializationError:
        """The same error seen from one container further out."""
        return SerializationError(self.code, self.reason, step + self.path)


@dataclass(frozen=True)
class Exit:
    """How a worker's process ended, and the last that it wrote."""

    code: int | None
    """Its exit code; None where a signal ended it, or it never ran."""
    signal: str | None
    """The name of that signal, such as ``SIGKILL``."""
    stderr_tail: str
    """The last 4 KiB of its stderr."""
    command: str
    """The command line that started it."""

    def __str__(self) -> str:
        if self.signal is not None:
            return f"signal {self.signal}"
        return "it could not be started" if self.code is None else f"exit code {self.code}"

    @property
    def last_words(self) -> str:
        """The tail of stderr, for the end of an error message."""
        if not self.stderr_tail:
            return "It wrote nothing to stderr."
        return f"The last it wrote to stderr:\n{self.stderr_tail}"


class SpawnError(MultifrostError):
    """The worker's process could not be started, ended first, or was too late."""

    def __init__(self, code: str, message: str, exit: Exit) -> None:
        super().__init__(code, message)
        self.exit_code = exit.code
        self.signal = exit.signal
        self.stderr_tail = exit.stderr_tail
        self.command = exit.command


class RemoteCallError(MultifrostError):
    """The method failed in the worker, or the worker refused the call.

    `code` is ``REMOTE_ERROR`` for what the method raised, and says which refusal it was otherwise.
    """

    def __init__(
        self,
        message: str,
        function_name: str,
        *,
        code: str = "REMOTE_ERROR",
        remote_name: str | None = None,
        remote_message: str | None = None,
        remote_stack: str | None = None,
        remote_code: str | None = None,
    ) -> None:
        super().__init__(code, message)
        self.function_name = function_name
        self.remote_name = remote_name
        self.remote_message = remote_message
        self.remote_stack = remote_stack
        self.remote_code = remote_code


class WorkerExitedError(RemoteCallError):
    """The worker's process ended before it answered."""

    def __init__(self, message: str, function_name: str, exit: Exit) -> None:
        super().__init__(message, function_name, code="WORKER_EXITED")
        self.exit_code = exit.code
        self.signal = exit.signal
        self.stderr_tail = exit.stderr_tail
        self.command = exit.command


class CallTimeoutError(MultifrostError, TimeoutError):
    """No answer came in time. The worker may still be running the method."""

    def __init__(self, message: str, function_name: str, timeout: float) -> None:
        super().__init__("TIMEOUT", message)
        self.function_name = function_name
        self.timeout = timeout


class CircuitOpenError(MultifrostError):
    """The circuit breaker is open: nothing was sent."""

    def __init__(self, message: str, retry_at: datetime) -> None:
        super().__init__("CIRCUIT_OPEN", message)
        self.retry_at = retry_at


class ConnectionLostError(MultifrostError, ConnectionError):
    """The way to the worker broke (``CONNECTION_LOST``), or could not be made (``UNREACHABLE``)."""


class OverloadError(MultifrostError):
    """Too many calls are waiting: nothing was queued."""

    def __init__(self, message: str, limit: int) -> None:
        super().__init__("OVERLOADED", message)
        self.limit = limit


class NotRunningError(MultifrostError):
    """The worker is not started, is stopping, or has been stopped."""

    def __init__(self, message: str, state: str) -> None:
        super().__init__("NOT_RUNNING", message)
        self.state = state
