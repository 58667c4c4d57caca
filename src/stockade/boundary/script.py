"""Values inside a page's `<script>`: JSON that cannot end it (ASVS 5.0 V1.2.3; CWE-79).

    <script nonce="{{ csp_nonce() }}">const patient = {{ script_json(patient) }};</script>
    <script type="application/json" id="patient">{{ script_json(patient) }}</script>

A browser looks for `</script>` and `<!--` before it looks for strings, so a name that holds them
ends the script, whatever quotes stand around it. Here `<`, `>` and `&` are written as JSON's own
escapes, and so are U+2028 and U+2029, which older scripts take for line ends: what a script reads
is what was given. It is safe between the tags of a script, not in an attribute, where the quotes of
JSON would end it: there, let the template engine escape what this gives as plain `str`.
"""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json

__all__ = ["ScriptJson", "script_json"]

_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


class ScriptJson(str):
    """JSON that may stand inside a script."""

    __slots__ = ()

    def __html__(self) -> str:
        """The same: template engines do not escape it again."""
        return str(self)


def script_json(value: Any) -> ScriptJson:
    """`value` as JSON: models, dates, decimals and what else Pydantic writes.

    NaN and infinity are null, as JSON.stringify has it. Raises ValueError for what has no JSON.
    """
    written = to_json(value, inf_nan_mode="null").decode()
    return ScriptJson(written.translate(_ESCAPES))
