"""What a client learns of an error that no handler of the application answers: an id, and no more.

404, 405 and the like become problem documents (RFC 9457) whose `instance` is the request's id. So
does an exception that nobody handled; its class and where it was raised are in an event of the same
id, its message is in neither, for it may quote what a client sent (ASVS 5.0 V16.5.1, CWE-209).
"""

from __future__ import annotations

from collections.abc import Iterable

from stockade.core import code_site
from stockade.core.bus import emit
from stockade.core.context import current
from stockade.core.errors import Problem, StockadeError
from stockade.core.events import Outcome
from stockade.integrations import gate

__all__ = ["answer", "crash_problem", "http_problem", "tell_crash"]

Fields = list[tuple[bytes, bytes]]

_DETAILS = {
    400: "The request cannot be understood.",
    401: "Sign in first.",
    403: "You may not do this.",
    404: "There is nothing at this address.",
    405: "This address does not take this method.",
}
_OTHER = "The request could not be completed."


def http_problem(status: int, detail: str = "") -> Problem:
    """The problem of an HTTP error; `detail` is the application's own sentence, if it has one."""
    return Problem(status, "", detail or _DETAILS.get(status, _OTHER))


def crash_problem(error: BaseException | None) -> Problem:
    """The problem of an exception that nobody handled; only our own say more than their status."""
    if isinstance(error, StockadeError):
        return error.problem()
    return Problem(500, StockadeError.kind, StockadeError.public)


def answer(problem: Problem, own: Iterable[tuple[bytes, bytes]] = ()) -> tuple[int, Fields, bytes]:
    """Status, headers and body; `own` are the application's headers, names in lower case.

    They take the place of ours, but for those that describe the body.
    """
    context = current()
    status, fields, body = gate.answer(problem, context.id if context is not None else "")
    described = {b"content-type", b"content-length"}
    kept = [(name, value) for name, value in own if name not in described]
    named = {name for name, _ in kept}
    return status, [field for field in fields if field[0] not in named] + kept, body


def tell_crash(error: BaseException) -> None:
    """Publish the event of an exception that nobody handled; a refusal has told its own."""
    context = current()
    if context is not None and context.refusal is not None:
        return
    if crash_problem(error).status != 500:
        return  # an answer that was meant, such as 503
    emit(
        "sys_crash",
        Outcome.OBSERVED,
        "app",
        "The application raised an exception that nobody handled.",
        rule="app.exception",
        exception=code_site.kind(type(error)),
        raised=code_site.raised(error),
    )
