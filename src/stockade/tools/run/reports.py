"""The supervisor's end of the pipe: reads what interpreters report and wakes the main thread."""

from __future__ import annotations

import json
import os
import queue
import signal
import threading
from typing import Any

__all__ = ["Reports"]


class Reports:
    """A pipe whose write end the command inherits, and the messages that came out of it."""

    def __init__(self) -> None:
        self._read_end, self._write_end = os.pipe()
        os.set_inheritable(self._write_end, True)
        # The inode too: a descendant that closed the pipe may have another file at this number.
        self.address = f"{self._write_end}:{os.fstat(self._write_end).st_ino}"
        self._messages: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._listen, name="stockade-reports", daemon=True)

    def start(self) -> None:
        """Listen, once the command has its copy of the write end."""
        os.close(self._write_end)
        self._thread.start()

    def take(self) -> list[dict[str, Any]]:
        """What has come since the last call."""
        taken = []
        while not self._messages.empty():
            taken.append(self._messages.get())
        return taken

    def settle(self) -> None:
        """Give what an ended process wrote last a moment to arrive."""
        self._thread.join(0.3)

    def _listen(self) -> None:
        with os.fdopen(self._read_end, "rb") as pipe:
            for line in pipe:
                try:
                    message = json.loads(line)
                except ValueError:
                    continue  # the command owns this pipe too: nonsense from it proves nothing
                if isinstance(message, dict) and isinstance(message.get("pid"), int):
                    self._messages.put(message)
                    os.kill(os.getpid(), signal.SIGCHLD)
