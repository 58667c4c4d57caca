"""The rules of the published OCSF 1.8.0 schema, applied to one event.

What OCSF's own validation asks: required attributes, no unknown and no deprecated ones, types with
their forms and ranges, values of enumerations and the captions beside them, constraints, profiles,
and that the numbers of class, category and type agree.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

SCHEMA = Path(__file__).parent / "schema-1.8.0.json"
OTHER = 99


@cache
def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SCHEMA.read_text("utf-8"))
    return found


def violations(event: dict[str, Any]) -> list[str]:
    """Every rule that `event` breaks."""
    classes = {each["uid"]: each for each in schema()["classes"].values()}
    of = classes.get(event.get("class_uid"))
    if of is None:
        return [f"class_uid {event.get('class_uid')} is none of {sorted(classes)}"]
    profiles = event.get("metadata", {}).get("profiles", [])
    found = [f"profile {name} is unknown" for name in profiles if name not in schema()["profiles"]]
    found += _item(event, of, "", frozenset(profiles))
    if event.get("type_uid") != event["class_uid"] * 100 + event.get("activity_id", 0):
        found.append("type_uid is not class_uid * 100 + activity_id")
    if event.get("category_uid") != of["category_uid"]:
        found.append("category_uid is not the class's")
    if event.get("metadata", {}).get("version") != schema()["version"]:
        found.append("metadata.version is not the schema's")
    for observable in event.get("observables", []):
        if observable["value"] not in _at(event, observable["name"]):
            found.append(f"observable {observable['name']} is not what stands there")
    return found


def _item(value: Any, of: dict[str, Any], at: str, profiles: frozenset[str]) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at}: is no object"
        return
    attributes = of["attributes"]
    for name, rule in attributes.items():
        active = not rule.get("profiles") or bool(profiles & set(rule["profiles"]))
        if rule["requirement"] == "required" and active and name not in value:
            yield f"{at}{name}: is required"
        if name in value and not active:
            yield f"{at}{name}: belongs to a profile that the event does not name"
    for name, member in value.items():
        if name not in attributes:
            if attributes:  # a generic object takes anything
                yield f"{at}{name}: is unknown"
            continue
        yield from _attribute(member, attributes[name], f"{at}{name}", value, profiles)
    for constraint, names in of.get("constraints", {}).items():
        count = sum(name in value for name in names)
        if (constraint == "at_least_one" and count < 1) or (
            constraint == "just_one" and count != 1
        ):
            yield f"{at}: {constraint} of {names}, found {count}"


def _attribute(
    value: Any, rule: dict[str, Any], at: str, beside: dict[str, Any], profiles: frozenset[str]
) -> Iterator[str]:
    if rule.get("deprecated"):
        yield f"{at}: is deprecated"
    if rule.get("is_array"):
        if not isinstance(value, list):
            yield f"{at}: is no array"
            return
        for number, member in enumerate(value):
            yield from _single(member, rule, f"{at}[{number}]", profiles)
        return
    yield from _single(value, rule, at, profiles)
    caption = rule.get("enum", {}).get(str(value))
    if (sibling := rule.get("sibling")) and caption is not None and sibling in beside:
        said = beside[sibling]
        # Of what is other, or not known, the source may use words of its own.
        if value not in (0, OTHER) and said != caption and not said.endswith(f": {caption}"):
            yield f"{at}: {value} is {caption!r}, {sibling} says {said!r}"


def _single(value: Any, rule: dict[str, Any], at: str, profiles: frozenset[str]) -> Iterator[str]:
    if rule["type"] == "object_t":
        found = schema()["objects"].get(rule["object_type"])
        if found is None:
            yield f"{at}: the object {rule['object_type']} is not in the schema kept here"
        else:
            yield from _item(value, found, f"{at}.", profiles)
        return
    yield from _primitive(value, rule["type"], at)
    if "enum" in rule and str(value) not in rule["enum"]:
        yield f"{at}: {value!r} is no value of the enumeration"


def _primitive(value: Any, kind: str, at: str) -> Iterator[str]:
    rule = schema()["types"][kind]
    base = rule.get("type", kind)
    number = isinstance(value, int) and not isinstance(value, bool)
    fits = {
        "string_t": isinstance(value, str),
        "integer_t": number and -(1 << 53) < value < 1 << 53,
        "long_t": number and -(1 << 63) <= value < 1 << 63,
        "boolean_t": isinstance(value, bool),
        "float_t": isinstance(value, int | float),
        "json_t": True,
    }[base]
    if not fits:
        yield f"{at}: {type(value).__name__} is no {kind}"
    elif base == "string_t":
        if "regex" in rule and not re.search(rule["regex"], value):
            yield f"{at}: does not have the form of {kind}"
        if len(value) > rule.get("max_len", len(value)):
            yield f"{at}: is too long for {kind}"
    elif "range" in rule and not rule["range"][0] <= value <= rule["range"][1]:
        yield f"{at}: is out of range for {kind}"


def _at(event: Any, path: str) -> list[Any]:
    """What stands at `actor.user.uid`, `evidences[].src_endpoint.ip`."""
    found = [event]
    for step in path.split("."):
        name, many = step.removesuffix("[]"), step.endswith("[]")
        found = [each.get(name) for each in found if isinstance(each, dict)]
        if many:
            found = [one for each in found for one in each or ()]
    return found
