"""The errors of this package. Each has a stable ``code``, the same as in the TypeScript, Go and Rust packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime


class MultifrostError(Exception):
    """Base of every error that this package raises.

    Attributes:
        code: What went wrong, as a constant such as ``TIMEOUT``. An invalid option is ``INVALID_OPTION``, a second
            `start` is ``ALREADY_STARTED``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class LaunchError(MultifrostError):
    """A worker cannot start serving.

    Codes: ``NO_START_MODE`` (no port in the environment and no service id), ``INVALID_PORT``, ``INVALID_OPTION``,
    ``UNREACHABLE`` (the parent that spawned the process), ``ALREADY_STARTED`` (a second worker in one process).
    """


class CallError(MultifrostError):
    """A worker refuses a call; no method was run. The caller gets it as a `RemoteCallError` with the same code.

    Codes: ``FUNCTION_NOT_FOUND``, ``NOT_CALLABLE``, ``PRIVATE_METHOD``, ``MISSING_FUNCTION``, ``WRONG_NAMESPACE``,
    ``OVERLOADED``, ``STOPPING``.
    """


class RegistryError(MultifrostError):
    """The service registry cannot do what was asked.

    Codes: ``SERVICE_EXISTS``, ``SERVICE_NOT_FOUND``, ``LOCK_TIMEOUT``, ``REGISTRY_UNAVAILABLE``.
    """


class MalformedMessageError(MultifrostError):
    """Bytes from a peer are not a valid message.

    Codes: ``MALFORMED_MESSAGE``, ``LIMIT_EXCEEDED``, ``MISSING_ID``.

    Attributes:
        message_id: The message's id, None if it could not be read.
        message_type: The message's type, None if it could not be read.
    """

    def __init__(self, code: str, reason: str, message_id: str | None = None, message_type: str | None = None) -> None:
        super().__init__(code, reason)
        self.message_id = message_id
        self.message_type = message_type


class SerializationError(MultifrostError):
    """A value cannot be sent, or an answer cannot be read.

    Codes: ``UNSENDABLE_VALUE``, ``LIMIT_EXCEEDED``, ``MESSAGE_TOO_LARGE``, ``MALFORMED_MESSAGE``.

    Attributes:
        path: Where the value is, such as ``args[0].x``; empty for an answer. The message begins with it.
        reason: The message without the path.
    """

    def __init__(self, code: str, reason: str, path: str = "") -> None:
        super().__init__(code, f"{path}: {reason}" if path else reason)
        self.reason = reason
        self.path = path

    def under(self, step: str) -> SerializationError:
        """Returns the same error with `step` in front of its path."""
        return SerializationError(self.code, self.reason, step + self.path)


class ProcessExit(NamedTuple):
    """How a worker's process ended."""

    code: int | None
    """Exit code; None if a signal ended the process, or if it never ran."""
    signal: str | None
    """Name of the signal that ended the process, such as ``SIGKILL``; None otherwise."""
    stderr_tail: str
    """The last 4 KiB of its stderr."""
    command: str
    """The command line that started it."""
    stalled: float | None = None
    """How long it left heartbeats unanswered, in seconds, where its parent killed it for that (`stall_timeout`)."""

    def __str__(self) -> str:
        if self.signal is not None:
            return f"signal {self.signal}"
        return "it could not be started" if self.code is None else f"exit code {self.code}"

    @property
    def stderr_report(self) -> str:
        """The tail of stderr as the last part of an error message."""
        if not self.stderr_tail:
            return "It wrote nothing to stderr."
        return f"The end of its stderr:\n{self.stderr_tail}"


class SpawnError(MultifrostError):
    """A worker's process could not be started, or ended or ran out of time before it could be reached.

    Codes: ``SCRIPT_NOT_FOUND``, ``PROGRAM_NOT_FOUND``, ``NO_TYPESCRIPT_RUNNER``, ``SPAWN_FAILED``, ``EXITED_EARLY``,
    ``START_TIMEOUT``.

    Attributes:
        exit_code: Exit code, or None.
        signal: Name of the signal that ended the process, or None.
        stderr_tail: The last 4 KiB of its stderr.
        command: The command line.
    """

    def __init__(self, code: str, message: str, exit: ProcessExit) -> None:
        super().__init__(code, message)
        self.exit_code = exit.code
        self.signal = exit.signal
        self.stderr_tail = exit.stderr_tail
        self.command = exit.command


class RemoteCallError(MultifrostError):
    """The method raised in the worker, or the worker refused the call.

    Attributes:
        code: ``REMOTE_ERROR`` if the method raised; the code of the refusal otherwise: see `CallError`.
        function_name: The method that was called.
        remote_name: The type of the error in the worker, such as ``ValueError``.
        remote_message: Its message.
        remote_stack: Its traceback, None if the worker sent none.
        remote_code: Its own ``code``, if that is text or an integer; None otherwise.
        remote_data: Its other fields that could be sent, by name: attributes of a Python exception, and its ``args`` if
            there is more in them than the message; own fields of a JavaScript error. Empty if there are none.
        errors: The errors of an exception group, of a JavaScript AggregateError, of Go's ``errors.Join``.
        __cause__: The cause of the error, also a `RemoteCallError`; None if it has none.
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
        remote_code: str | int | None = None,
        remote_data: dict[str, Any] | None = None,
        errors: tuple[RemoteCallError, ...] = (),
    ) -> None:
        super().__init__(code, message)
        self.function_name = function_name
        self.remote_name = remote_name
        self.remote_message = remote_message
        self.remote_stack = remote_stack
        self.remote_code = remote_code
        self.remote_data = {} if remote_data is None else remote_data
        self.errors = errors


class WorkerExitedError(RemoteCallError):
    """The worker's process ended before it answered. Code: ``WORKER_EXITED``.

    Attributes:
        exit_code: Exit code; None if a signal ended the process.
        signal: Name of that signal, or None.
        stderr_tail: The last 4 KiB of its stderr.
        command: The command line that started it.
        stalled: How long it left heartbeats unanswered, in seconds, where its parent killed it for that; else None.
    """

    def __init__(self, message: str, function_name: str, exit: ProcessExit) -> None:
        super().__init__(message, function_name, code="WORKER_EXITED")
        self.stalled = exit.stalled
        self.exit_code = exit.code
        self.signal = exit.signal
        self.stderr_tail = exit.stderr_tail
        self.command = exit.command


class CallTimeoutError(MultifrostError, TimeoutError):
    """No answer came in time; if the call was sent, the worker may still be running it. Code: ``TIMEOUT``.

    Attributes:
        function_name: The method that was called.
        timeout: The limit, in seconds.
    """

    def __init__(self, message: str, function_name: str, timeout: float) -> None:
        super().__init__("TIMEOUT", message)
        self.function_name = function_name
        self.timeout = timeout


class CircuitOpenError(MultifrostError):
    """The circuit breaker is open after repeated failures; the call was not sent. Code: ``CIRCUIT_OPEN``.

    Attributes:
        retry_at: When the next trial call may be sent, in UTC.
        function_name: The method that raised again and again, if it is its circuit: others can be called. Else None.
    """

    def __init__(self, message: str, retry_at: datetime, function_name: str | None = None) -> None:
        super().__init__("CIRCUIT_OPEN", message)
        self.retry_at = retry_at
        self.function_name = function_name


class ConnectionLostError(MultifrostError, ConnectionError):
    """The connection to the worker broke (``CONNECTION_LOST``) or could not be made (``UNREACHABLE``)."""


class OverloadError(MultifrostError):
    """Too many calls are waiting for an answer; the call was not sent. Code: ``OVERLOADED``.

    Attributes:
        limit: The option `max_pending`.
    """

    def __init__(self, message: str, limit: int) -> None:
        super().__init__("OVERLOADED", message)
        self.limit = limit


class NotRunningError(MultifrostError):
    """The worker is not started yet, is stopping, or has stopped. Code: ``NOT_RUNNING``.

    Attributes:
        state: The state of the worker: ``idle``, ``starting``, ``stopping`` or ``stopped``.
    """

    def __init__(self, message: str, state: str) -> None:
        super().__init__("NOT_RUNNING", message)
        self.state = state
