"""What a check of an upload says no with, and how that becomes an event and a problem document.

Checks raise `Unfit`, which knows neither field nor framework; the edge (`Upload`, Pydantic) turns
it into `Rejected` or into a validation error. Sources: ASVS 5.0 V16.3.3; OWASP Logging Vocabulary
(`upload_validation`).
"""

from __future__ import annotations

from stockade.core.bus import emit
from stockade.core.errors import FieldProblem, Rejected
from stockade.core.events import Outcome
from stockade.core.secret import fingerprint

__all__ = ["RULE", "Unfit", "refuse"]

RULE = "boundary.upload-"
"""What the id of every rule here starts with."""


class Unfit(ValueError):
    """Content that its contract does not admit; `detail` repeats nothing of it.

    `rule` is the end of the rule's id, `status` the HTTP status: 413 too large, 415 another type,
    422 malformed or hostile, 503 no room at present.
    """

    def __init__(self, rule: str, detail: str, *, status: int = 422) -> None:
        super().__init__(detail)
        self.rule = rule
        self.detail = detail
        self.status = status


def refuse(
    unfit: Unfit, *, field: str = "", length: int = 0, digest: bytes = b"", filename: str = ""
) -> Rejected:
    """The `Rejected` for `unfit`, and the one event that tells of it. The caller raises it.

    `field` is the name that the application declared, `length` the bytes that came, `digest` a hash
    of them; of digest and `filename`, the client's, only keyed fingerprints are told.
    """
    rule = RULE + unfit.rule
    emit(
        "upload_validation",
        Outcome.BLOCKED,
        "boundary",
        unfit.detail,
        rule=rule,
        field=field,
        length=length,
        value=fingerprint(digest) if digest else "",
        filename=fingerprint(filename) if filename else "",
    )
    step = field.replace("~", "~0").replace("/", "~1")
    where = f"/body/{step}" if field else "/body"
    return Rejected(
        unfit.detail,
        status=unfit.status,
        errors=(FieldProblem(where, unfit.detail),),
        rule=rule,
    )
