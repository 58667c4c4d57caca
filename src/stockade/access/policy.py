"""Authorization by Cedar policies (ASVS 5.0 V8.2, V8.3; docs.cedarpolicy.com).

Deny by default, `forbid` beats `permit`, and, unlike Cedar's own answer, **any error denies**: a
`forbid` that fails to evaluate is skipped by Cedar, so an attribute that somebody forgot to pass
would switch a prohibition off (CWE-636).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from stockade.access.entity import Entity, as_cedar
from stockade.core.bus import emit
from stockade.core.errors import ConfigError
from stockade.core.events import Outcome
from stockade.core.secret import fingerprint

if TYPE_CHECKING:
    from stockade.access.policy_files import Loaded

__all__ = ["Decision", "Policies"]

_FAILED = re.compile(r"error while evaluating policy `(policy[0-9]+)`")


class Decision(msgspec.Struct, frozen=True):
    """`reasons` are the `@id`s of the policies that decided, or that failed; none: none permits it.

    `errors` are for developers: they may quote values and belong in no answer and no log.
    """

    allowed: bool
    reasons: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


class Policies:
    """Parsed policies; made by `load`."""

    def __init__(self, loaded: Loaded | None) -> None:
        """None denies everything: what is left where policies cannot load."""
        self._loaded = loaded

    @classmethod
    def load(cls, folder: str | Path, *, on_error: Literal["raise", "deny"] = "raise") -> Policies:
        """Read `*.cedar` and, where there is one, `schema.cedarschema`; validate them.

        Raises ConfigError, naming the file, for anything that does not parse, does not fit the
        schema or has no `@id` of its own. With `on_error="deny"` the service starts and denies
        everything instead. Either way it is an event.
        """
        try:
            from stockade.access.policy_files import read

            loaded = read(Path(folder))
        except ConfigError:
            emit(
                "policy_failed",
                Outcome.FAILED,
                "access",
                "The policies cannot be loaded; everything is denied.",
                rule="access.policy",
                folder=str(folder),
            )
            if on_error == "raise":
                raise
            return cls(None)
        emit(
            "policy_loaded",
            Outcome.ALLOWED,
            "access",
            "The policies were loaded and validated.",
            rule="access.policy",
            folder=str(folder),
            policies=len(loaded.ids),
            schema=loaded.schema is not None,
            digest=loaded.digest,
        )
        return cls(loaded)

    def decide(
        self,
        principal: Entity | str,
        action: str,
        resource: Entity,
        context: Mapping[str, Any] | None = None,
        *,
        entities: Iterable[Entity] = (),
    ) -> Decision:
        """May `principal` (a string names a `User`) do `action` to `resource`?

        `context` is what else the policies may look at; `entities` are more that they refer to.
        Never raises for what the arguments hold: what Cedar cannot judge is denied. A denial is
        an `authz_fail` event.
        """
        if isinstance(principal, str):
            principal = Entity("User", principal)
        decision = self._decide(principal, action, resource, context or {}, entities)
        if not decision.allowed:
            emit(
                "authz_fail",
                Outcome.BLOCKED,
                "access",
                "A policy could not be evaluated, so the action is denied."
                if decision.errors
                else "No policy permits this action, or one forbids it.",
                rule="access.policy",
                action=action,
                resource_type=resource.type,
                resource_id=fingerprint(resource.id),
                policies=decision.reasons,
                errors=len(decision.errors),
            )
        return decision

    def _decide(
        self,
        principal: Entity,
        action: str,
        resource: Entity,
        context: Mapping[str, Any],
        entities: Iterable[Entity],
    ) -> Decision:
        if self._loaded is None:
            return Decision(False, errors=("the policies could not be loaded",))
        import cedarpy

        loaded = self._loaded
        try:
            request = {
                "principal": principal.uid,
                "action": {"type": "Action", "id": action},
                "resource": resource.uid,
                "context": _json(as_cedar(context)),
            }
            known = _json(_entities((principal, resource, *entities)))
            result = cedarpy.is_authorized(request, loaded.policies, known, loaded.schema)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            return Decision(False, errors=(str(error),))
        errors = tuple(result.diagnostics.errors)
        blamed = _blamed(errors) if errors else result.diagnostics.reasons
        reasons = tuple(loaded.ids[name] for name in blamed if name in loaded.ids)
        return Decision(result.allowed and not errors, reasons, errors)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _blamed(errors: Iterable[str]) -> list[str]:
    return [match[1] for match in map(_FAILED.match, errors) if match]


def _entities(given: Iterable[Entity]) -> list[dict[str, object]]:
    """Those that have attributes or parents, once each; the others are known by name only."""
    found: dict[tuple[str, str], dict[str, object]] = {}
    waiting = list(given)
    while waiting:
        entity = waiting.pop()
        waiting.extend(entity.parents)
        if entity.attrs or entity.parents:
            found[entity.type, entity.id] = {
                "uid": entity.uid,
                "attrs": as_cedar(entity.attrs),
                "parents": [parent.uid for parent in entity.parents],
            }
    return list(found.values())
