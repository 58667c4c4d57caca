"""Tokens for forms: proof that a page of ours made the request (CWE-352, ASVS 5.0 V3.5.1).

A second line behind Fetch Metadata, for clients that send none, and for who must show tokens. A
token is `expiry.salt.mac`: the MAC is over both and the session, so a token of one session is worth
nothing in another, and nothing is stored. The salt makes each token different (against BREACH).

    token = stockade.csrf.issue(session_id)          # into a hidden field, or a header's <meta>
    stockade.csrf.verify(token, session_id)          # raises Denied (403)
"""

from __future__ import annotations

import base64
import hmac
import secrets

from stockade.core.bus import emit
from stockade.core.errors import Denied
from stockade.core.events import Outcome
from stockade.core.ports import Clock, Mac

__all__ = ["CsrfTokens"]

_SALT = 16
_LONGEST = 256


class CsrfTokens:
    """Issues and verifies tokens; thread-safe."""

    def __init__(self, mac: Mac, *, seconds: float = 43_200.0, clock: Clock) -> None:
        """`mac` keyed for this use alone; a token is good for `seconds`."""
        self._mac, self._seconds, self._clock = mac, seconds, clock

    def issue(self, session: str) -> str:
        """A token for the forms of the session with this id (or any secret bound to the client)."""
        expiry = format(int(self._clock() + self._seconds), "x")
        salt = secrets.token_hex(_SALT)
        return f"{expiry}.{salt}.{self._code(expiry, salt, session)}"

    def verify(self, token: str, session: str) -> None:
        """Raises Denied, an event too, for a token that is missing, foreign, forged or old."""
        expiry, _, rest = token[:_LONGEST].partition(".")
        salt, _, code = rest.partition(".")
        expected = self._code(expiry, salt, session)
        # Compared before anything is read: what the MAC does not vouch for is nobody's expiry.
        good = hmac.compare_digest(expected.encode(), code.encode()) and bool(session)
        if not good or int(expiry, 16) < self._clock():
            emit(
                "request_refused",
                Outcome.BLOCKED,
                "boundary",
                "A form came without a token of its session.",
                rule="gate.csrf-token",
                expired=good,
            )
            raise Denied("the form's token is missing, too old or of another session: reload it")

    def _code(self, expiry: str, salt: str, session: str) -> str:
        # Lengths first: no two triples give the same message.
        text = f"{len(expiry)}.{len(salt)}.{expiry}.{salt}.{session}"
        code = self._mac.mac(b"csrf-token " + text.encode("utf-8", "surrogatepass"))
        return base64.urlsafe_b64encode(code).rstrip(b"=").decode()
