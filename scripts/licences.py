"""List the licences of everything in this environment; fail for one that Stockade may not use.

GPL and AGPL code is never imported. MPL and LGPL packages are used as their authors publish them,
unmodified and unvendored, each for a reason below.
"""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions

WEAK_COPYLEFT = {
    "certifi": "certificate authorities, data only; httpx reads them",
    "hypothesis": "tests only",
    "pathspec": "build and checks only: hatchling and mypy",
    "psycopg": "the extra `postgres`: one of the drivers that are guarded",
    "psycopg-binary": "tests only: libpq and the driver's C half",
    "psycopg2-binary": "tests only: one of the drivers that are guarded",
}
"""Packages under the MPL or the LGPL, and what they are here for."""

READ_BY_HAND = {
    "cedarpy": "Apache-2.0",  # its wheel carries the text and names no licence in its metadata
}


def name_of(package: Distribution) -> str:
    return re.sub(r"[-_.]+", "-", package.name).lower()


def licence_of(package: Distribution) -> str:
    metadata = package.metadata
    if "License-Expression" in metadata:
        return metadata["License-Expression"]
    classifiers = [
        text.rpartition(" :: ")[2]
        for text in metadata.get_all("Classifier", [])
        if text.startswith("License :: ")
    ]
    free_text = metadata.get_all("License", [""])[0].partition("\n")[0]
    return " AND ".join(classifiers) or free_text or READ_BY_HAND.get(name_of(package), "")


def strength(licence: str) -> str:
    """`none`, `weak` or `strong` copyleft: of an SPDX `A OR B` the licensee takes the mildest."""
    choices = []
    for choice in re.split(r"\bOR\b", licence):
        if re.search(r"\bA?GPL|(?<!Lesser )General Public|Affero", choice):
            choices.append("strong")
        elif re.search(r"\bLGPL|Lesser General Public|\bMPL|Mozilla Public", choice):
            choices.append("weak")
        else:
            choices.append("none")
    return min(choices, key=["none", "weak", "strong"].index)


def objections(name: str, licence: str) -> Iterator[str]:
    copyleft = strength(licence)
    if not licence:
        yield f"{name} names no licence: read its text, then add it to READ_BY_HAND"
    if copyleft == "strong":
        yield f"{name} is under {licence}: it needs an environment and a process of its own"
    if copyleft == "weak" and name not in WEAK_COPYLEFT:
        yield f"{name} is under {licence}: add it to WEAK_COPYLEFT with the reason to use it"
    if copyleft != "weak" and name in WEAK_COPYLEFT:
        yield f"{name} is under {licence}: it no longer belongs in WEAK_COPYLEFT"


def main() -> int:
    licences = {name_of(package): licence_of(package) for package in distributions()}
    width = max(map(len, licences))
    failures: list[str] = []
    for name, licence in sorted(licences.items()):
        reason = f"  ({WEAK_COPYLEFT[name]})" if name in WEAK_COPYLEFT else ""
        print(f"{name:{width}}  {licence or '?'}{reason}")
        failures += objections(name, licence)
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
