"""What a guard does about a finding: the event, and in `block` mode the refusal."""

from __future__ import annotations

import re
from typing import Literal

from stockade.core.bus import emit
from stockade.core.context import RequestContext
from stockade.core.errors import Blocked
from stockade.core.events import Outcome
from stockade.core.inputs import Input
from stockade.core.secret import fingerprint
from stockade.core.waiver import waived
from stockade.firewall.callers import call_site
from stockade.firewall.constants import is_name
from stockade.firewall.grammars import Finding

__all__ = ["Mode", "alarm", "detector_failed", "too_many_inputs", "unattributed"]

Mode = Literal["block", "observe", "off"]

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}\Z").match


def alarm(
    request: RequestContext, finding: Finding, *, family: str, event: str, mode: Mode, length: int
) -> None:
    """Report a finding; raise Blocked where the mode blocks and no waiver stands."""
    blocks = mode == "block"
    if blocks and waived(family, finding.rule):
        return
    item = finding.value
    emit(
        event,
        Outcome.BLOCKED if blocks else Outcome.OBSERVED,
        "firewall",
        finding.reason,
        rule=finding.rule,
        sink=family,
        source=item.source,
        input=_shown(item),
        value=fingerprint(item.value),
        value_length=len(item.value),
        position=finding.start,
        text_length=length,
        call_site=call_site(),
    )
    if blocks:
        error = Blocked(
            f"{finding.reason} Rule {finding.rule}, source {item.source}. Bind values as "
            "parameters, pass arguments as a list, or resolve and check the path; if this is "
            "an honest request, report it and set the sink to observe meanwhile.",
            rule=finding.rule,
        )
        request.refuse(error)
        raise error


def _shown(item: Input) -> str:
    """The name a value came under where the developer chose it; of any other a fingerprint.

    A name that the calling code reads values by is no secret and no echo; one that a client made
    up may be anything.
    """
    name = item.name
    if name and name != item.value and _IDENTIFIER(name):
        spellings = (name, name.replace("-", "_"), name.title())
        if any(map(is_name, dict.fromkeys(spellings))):
            return name
    return fingerprint(name) if name else ""


def too_many_inputs(request: RequestContext, *, family: str, mode: Mode) -> None:
    """A guarded sink was reached by a request with more values than are indexed."""
    blocks = mode == "block"
    emit(
        "input_limit_exceeded",
        Outcome.BLOCKED if blocks else Outcome.OBSERVED,
        "firewall",
        "The request brings more values than are indexed, and reached a guarded sink.",
        rule="firewall.input-limit",
        sink=family,
        call_site=call_site(),
    )
    if blocks:
        error = Blocked(
            "the request brings more values than firewall.max_inputs or max_input_chars "
            f"index, and reached a {family} sink: raise the limits or send less",
            rule="firewall.input-limit",
            status=413,
        )
        request.refuse(error)
        raise error


def detector_failed(
    request: RequestContext, failure: Exception, *, family: str, mode: Mode
) -> None:
    """A grammar crashed. Fails closed: what could not be judged does not run in `block` mode."""
    blocks = mode == "block"
    emit(
        "defence_failed",
        Outcome.FAILED,
        "firewall",
        "A detector of the firewall failed; the text was not judged.",
        rule=f"{family}.detector-failed",
        sink=family,
        error=type(failure).__name__,
        blocked=blocks,
        call_site=call_site(),
    )
    if blocks:
        error = Blocked(
            f"the {family} detector failed ({type(failure).__name__}) and a text that was not "
            "judged does not run: report this, and set the sink to observe meanwhile",
            rule=f"{family}.detector-failed",
            status=500,
        )
        request.refuse(error)
        raise error from failure


def unattributed(*, family: str) -> None:
    """A sink was reached outside any request, where the configuration refuses that."""
    emit(
        "sink_unattributed",
        Outcome.BLOCKED,
        "firewall",
        "A guarded sink was reached outside any request; the configuration refuses that.",
        rule=f"{family}.unattributed",
        call_site=call_site(),
    )
    raise Blocked(
        f"a {family} sink was reached outside any request and firewall.unattributed "
        'says "refuse": run the work inside stockade.core.context.running()',
        rule=f"{family}.unattributed",
    )
