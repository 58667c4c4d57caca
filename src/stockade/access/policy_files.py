"""Read a folder of Cedar policies and refuse what will not work at run time."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from stockade.core.errors import ConfigError

try:
    import cedarpy
except ImportError:
    raise ConfigError(
        'policies need Cedar, which is not installed: pip install "stockade[access]"'
    ) from None

__all__ = ["SCHEMA", "Loaded", "read"]

SCHEMA = "schema.cedarschema"


class Loaded(NamedTuple):
    """Policies ready to use; `ids` maps Cedar's own names to the `@id`s; `digest` is SHA-256."""

    policies: cedarpy.PolicySet
    schema: cedarpy.Schema | None
    ids: dict[str, str]
    digest: str


def read(folder: Path) -> Loaded:
    """The policies of `folder`, validated. Raises ConfigError, naming the file."""
    files = sorted(folder.glob("*.cedar"))
    if not files:
        raise ConfigError(f"{folder}: holds no *.cedar file; without a policy all is denied")
    texts = [_text(file) for file in files]
    homes: dict[str, Path] = {}
    for file, text in zip(files, texts, strict=True):
        for id in _ids(file, text).values():
            if id in homes:
                raise ConfigError(f'{file}: @id("{id}") stands in {homes[id]} already; rename one')
            homes[id] = file
    everything = "\n".join(texts)
    schema = _schema(folder / SCHEMA)
    ids = _ids(folder, everything)
    if schema is not None:
        _validate(everything, schema, ids, homes)
    digest = hashlib.sha256(everything.encode()).hexdigest()
    return Loaded(cedarpy.PolicySet.from_str(everything), schema, ids, digest)


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{file}: cannot be read ({type(error).__name__}); check permissions and encoding"
        ) from None


def _ids(file: Path, text: str) -> dict[str, str]:
    try:
        document = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        raise ConfigError(f"{file}: is not a Cedar policy: {error}") from None
    if document["templates"]:
        raise ConfigError(f"{file}: holds a template (?principal, ?resource); write plain policies")
    found = {}
    for name, policy in document["staticPolicies"].items():
        id = policy.get("annotations", {}).get("id")
        if not id:
            raise ConfigError(
                f'{file}: a policy has no @id; write @id("what-it-permits") before it, '
                "for events and explanations to name it"
            )
        found[name] = id
    if len(set(found.values())) != len(found):
        raise ConfigError(f"{file}: two policies have the same @id; rename one")
    return found


def _schema(file: Path) -> cedarpy.Schema | None:
    if not file.exists():
        return None
    try:
        return cedarpy.Schema.from_str(_text(file))
    except ValueError as error:
        raise ConfigError(f"{file}: is not a Cedar schema: {error}") from None


def _validate(
    text: str, schema: cedarpy.Schema, ids: dict[str, str], homes: dict[str, Path]
) -> None:
    result = cedarpy.validate_policies(text, schema)
    if result.validation_passed:
        return
    first = result.errors[0]
    id = ids.get(first.policy_id, first.policy_id)
    raise ConfigError(
        f'{homes.get(id, "policies")}: @id("{id}") does not fit {SCHEMA}: {first.error}'
    )
