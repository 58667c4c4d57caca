"""The range's safe endpoints take every attack string and normal value, untouched by the firewall.

The same requests go to the range bare and to the range guarded, each in a process of its own. A
value is touched where the guarded one answers otherwise. Sources that cannot carry a value (a line
break in a header, a slash in a segment) are counted apart. By default the shell twins, which start
processes, get a tenth of the values, and so do those that differ in little but the driver or a
decoding; STOCKADE_FULL=1 gives them more, and every endpoint a larger small sample.
"""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest

from stockade.tools.attack.payloads import Aim, families
from tests.conftest import UNMEASURED
from tests.integration.serving import PROJECT
from tests.integration.twins import WEAK, Case, family_of

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the range's shells are POSIX")

FULL = os.environ.get("STOCKADE_FULL") == "1"
SEED = "twins 1"
NORMAL, ATTACKS = 2_000, 500
SMALL = 40 if FULL else 20
SHARES = dict.fromkeys(
    ("shell", "options", "alchemy", "transformed", "changed"), 0.25 if FULL else 0.1
)
SHOWN = 5
AIM = Aim(
    leak="(SELECT secret FROM stockade_canary)",
    leaked="4f1c",
    rows=("4f1d",),
    columns=("password",),
    outside="/nowhere/outside",
    canary="4f1e",
    listed="7a9b",
    factors=(1_000_033, 1_000_211),
    mark="stk1a2b3c4d",
    content="5e6f7a8b",
    example="Tea",
)


def payloads() -> dict[str, list[str]]:
    """What `stockade attack` sends, by family."""
    return {
        family: [
            payload.text.replace("{condition}", "2>1")
            for technique in techniques
            for payload in technique.make(AIM)
        ]
        for family, techniques in families().items()
    }


def corpus(folder: Path) -> dict[str, list[str]]:
    """Naughty strings, normal values and attacks of the public corpora; none is empty."""
    with (folder / "http-params/payload_train.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["payload"], row["label"]) for row in csv.DictReader(file)]
    attacks = [payload for payload, label in rows if label == "anom"]
    for listed in sorted((folder / "libinjection").glob("sqli-*.txt")):
        attacks += map(unquote_plus, listed.read_text("utf-8", "replace").splitlines())
    found = {
        "naughty": json.loads((folder / "naughty-strings/blns.json").read_text("utf-8")),
        "normal": [payload for payload, label in rows if label == "norm"],
        "attacks": list(dict.fromkeys(attacks)),
    }
    assert len(found["naughty"]) > 500
    assert len(found["normal"]) > 10_000
    assert len(found["attacks"]) > 10_000
    return found


def plan(folder: Path) -> dict[str, Any]:
    found, chance = corpus(folder), random.Random(SEED)
    own = [text for texts in payloads().values() for text in texts]
    large = [
        *found["naughty"],
        *chance.sample(found["normal"], NORMAL),
        *chance.sample(found["attacks"], ATTACKS),
        *own,
    ]
    small = [
        text
        for texts in (found["naughty"], found["normal"], found["attacks"])
        for text in chance.sample(texts, SMALL)
    ]
    # Every family's attacks everywhere: a quote in a shell word, a path in a query.
    small += [text for texts in payloads().values() for text in chance.sample(texts, 9)]
    return {"seed": SEED, "large": large, "small": small, "shares": SHARES}


def start(folder: Path, values: dict[str, Any], mode: str) -> subprocess.Popen[bytes]:
    folder.mkdir()
    (folder / "plan.json").write_text(json.dumps(values | {"mode": mode}))
    with (folder / "stderr").open("wb") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.integration.twins", "plan.json", "answers.jsonl"],
            cwd=folder,
            env=UNMEASURED | {"PYTHONPATH": str(PROJECT), "PYTHONHASHSEED": "0"},
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
        )


def answers(folder: Path, process: subprocess.Popen[bytes]) -> list[Case]:
    assert process.wait(600) == 0, (folder / "stderr").read_text("utf-8", "replace")[-3_000:]
    with (folder / "answers.jsonl").open(encoding="utf-8") as file:
        return [Case(*json.loads(line)) for line in file]


Pair = tuple[Case, Case]
FAMILIES = ("sql.", "nosql.", "shell.", "argument.", "path.")
"""Beginnings of the firewall's rules."""


@pytest.fixture(scope="module")
def pairs(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Pair]:
    folder, values, started = tmp_path_factory.mktemp("twins"), plan(corpora), time.monotonic()
    running = [(folder / mode, start(folder / mode, values, mode)) for mode in ("off", "block")]
    try:
        bare, guarded = (answers(*each) for each in running)
    finally:
        for _, process in running:
            process.kill()
            process.wait()
    assert [case[:4] for case in bare] == [case[:4] for case in guarded]
    print(f"{len(bare)} requests to each range in {time.monotonic() - started:.0f} s")
    return list(zip(bare, guarded, strict=True))


def template(case: Case) -> str:
    return case.operation.partition(" ")[2]


def is_touched(bare: Case, guarded: Case) -> bool:
    # Stockade words FastAPI's own refusals and errors anew: the same requests, the same status.
    reworded = bare.status == guarded.status >= 400 and bool(guarded.problem)
    if reworded and not guarded.rule.startswith(FAMILIES):
        return False
    return bare[4:] != guarded[4:]


def described(touched: Iterable[Pair]) -> str:
    """How many by endpoint and rule, and the first of each."""
    lines: list[str] = []
    seen: Counter[tuple[str, str]] = Counter()
    for bare, guarded in touched:
        key = (guarded.operation, guarded.rule)
        seen[key] += 1
        if seen[key] <= SHOWN:
            lines.append(
                f"{guarded.operation} {guarded.source}:{guarded.parameter} {guarded.value!r}: bare "
                f"{bare.status}, guarded {guarded.status} {guarded.problem} {guarded.rule}"
            )
    return "\n".join([*(f"{key}: {number}" for key, number in seen.items()), *lines])


def test_safe_twins_are_untouched(pairs: list[Pair]) -> None:
    safe = [pair for pair in pairs if template(pair[0]).startswith("/safe/")]
    carried = [pair for pair in safe if pair[0].status != 0]
    touched = [pair for pair in carried if is_touched(*pair)]
    count = Counter((family_of(template(bare)), bare.source) for bare, _ in carried)
    for (family, source), number in sorted(count.items()):
        print(f"{family} through {source}: {number} values")
    uncarried = Counter(bare.source for bare, _ in safe if bare.status == 0)
    print(f"{len(carried)} cases ran; not carried: {dict(uncarried)}; touched: {len(touched)}")
    assert len(count) >= 21 + 7
    assert min(count.values()) > 50
    assert not touched, f"{len(touched)} of {len(carried)} were touched:\n{described(touched)}"


def test_the_applications_own_errors_are_rare(pairs: list[Pair]) -> None:
    """Or the twins would be untouched because nothing reached them."""
    safe = [bare for bare, _ in pairs if template(bare).startswith("/safe/") and bare.status]
    failed = [case for case in safe if case.status < 0 or case.status >= 500]
    print(f"statuses bare: {dict(Counter(case.status for case in safe))}")
    assert not failed, failed[:5]
    served = Counter(family_of(template(case)) for case in safe if case.status == 200)
    everything = Counter(family_of(template(case)) for case in safe)
    for family in ("sql", "alchemy", "shell", "transformed"):
        assert served[family] > everything[family] * 0.6, family


@pytest.mark.parametrize("endpoint", WEAK)
def test_the_same_comparison_sees_weak_twins_refused(endpoint: str, pairs: list[Pair]) -> None:
    """With the firewall removed, this fails, and the test above would prove nothing."""
    weak = [pair for pair in pairs if template(pair[0]) == endpoint]
    touched = [pair for pair in weak if is_touched(*pair)]
    rules = {guarded.rule.partition(".")[0] for _, guarded in touched if guarded.problem}
    assert len(touched) >= 2
    assert family_of(endpoint) in rules
