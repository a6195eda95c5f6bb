"""Answers calls, and notes each that it runs: ``ID\\n`` in the file that its argument names."""

from __future__ import annotations

import os
import sys

from multifrost import ChildWorker

_notes = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


class NotingWorker(ChildWorker):
    def note(self, call_id: int) -> str:
        """Return the id as a text that no other call has for an answer."""
        os.write(_notes, f"{call_id}\n".encode())
        return f"noted {call_id}"


if __name__ == "__main__":
    NotingWorker().run()
