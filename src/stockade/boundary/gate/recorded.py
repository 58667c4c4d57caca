"""No request without a record: refused while the audit log cannot be written.

For services that would rather stand still than act unseen. The question is asked when a request
begins, so what fails while it runs is not undone.
"""

from __future__ import annotations

from collections.abc import Callable

from stockade.core.errors import Busy
from stockade.core.head import Head, Refusal

__all__ = ["Recorded"]

UNRECORDED = Refusal(
    "gate.audit", "request_refused", Busy("the audit log cannot be written just now")
)


class Recorded:
    """The rule of one application."""

    def __init__(self, written: Callable[[], bool] | None) -> None:
        """`written`: whether the audit log takes entries; None: nobody minds."""
        self.active = written is not None
        self._written = written

    def enter(self, request: Head) -> Refusal | None:
        """Why this request would leave no trace."""
        return None if self._written is None or self._written() else UNRECORDED
