"""What this package logs, under the logger ``multifrost``.

`logging` is imported with the first entry: without it, a worker answers its first call 15 ms earlier.
"""

from __future__ import annotations

import sys


def warning(text: str, *values: object) -> None:
    """Logs a warning. Without a handler, it is printed to stderr."""
    import logging

    logging.getLogger("multifrost").warning(text, *values, stacklevel=2)


def exception(text: str, *values: object) -> None:
    """Logs an error with the traceback of the exception that is being handled."""
    import logging

    logging.getLogger("multifrost").exception(text, *values, stacklevel=2)


def info(text: str, *values: object) -> None:
    """Logs what is of interest only to those who look for it."""
    if "logging" in sys.modules:  # otherwise nothing can be interested yet
        import logging

        logging.getLogger("multifrost").info(text, *values, stacklevel=2)
