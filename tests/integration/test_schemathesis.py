"""The clinic is what its OpenAPI document says, whatever is sent: schemathesis, all checks.

It runs in an environment of its own (`make .venv-schemathesis/.ready`). Fifty examples an
operation; `STOCKADE_SCHEMATHESIS=5000` asks for more (`make schemathesis`).
"""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import UNMEASURED
from tests.integration.serving import PROJECT, Server, serving

SCHEMATHESIS = PROJECT / ".venv-schemathesis" / "bin" / "schemathesis"
EXAMPLES = os.environ.get("STOCKADE_SCHEMATHESIS", "50")
SETTINGS = {
    "STOCKADE_REQUEST__RATE": "0",  # thousands of requests of one client are the point here
    "STOCKADE_WATCH__METRICS": "",
}


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not SCHEMATHESIS.exists():
        if os.environ.get("STOCKADE_FULL") == "1":
            pytest.fail("schemathesis is absent: make .venv-schemathesis/.ready")
        pytest.skip("schemathesis is absent: make .venv-schemathesis/.ready")
    folder = tmp_path_factory.mktemp("clinic")
    variables = SETTINGS | {"CLINIC_DATA": str(folder / "data")}
    with serving("examples.clinic:app", folder, guarded=False, **variables) as server:
        yield server  # the clinic guards itself


def session(clinic: Server) -> str:
    """A session of the first administrator and clinician there is, as a cookie."""
    found = re.search(r"first account: (\S+) clinician (\S+)", clinic.said())
    assert found is not None, clinic.said()
    connection = http.client.HTTPConnection("127.0.0.1", clinic.port, timeout=10)
    body = json.dumps({"name": found[1], "password": found[2]})
    connection.request("POST", "/sign-in", body, {"content-type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 204, answer.read()
    cookie = answer.headers["set-cookie"].partition(";")[0]
    connection.close()
    return cookie


def run(clinic: Server, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [
            str(SCHEMATHESIS),
            "run",
            f"{clinic.address}/openapi.json",
            "--checks=all",
            "--no-color",
            "--generation-database=none",
            f"--max-examples={EXAMPLES}",
            *arguments,
        ],
        cwd=folder,
        env=UNMEASURED,
        capture_output=True,
        text=True,
        timeout=5_000,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
    found = re.search(r"(\d+) generated", done.stdout)
    assert found is not None, done.stdout
    print(f"schemathesis {' '.join(arguments[:1])}: {found[1]} cases, no failure")
    return found[1]


def test_a_visitor_finds_no_fault(clinic: Server, tmp_path: Path) -> None:
    assert int(run(clinic, tmp_path)) > 100


def test_who_is_signed_in_finds_none(clinic: Server, tmp_path: Path) -> None:
    cookie = session(clinic)
    # Not signing out: everything after it would be a visitor's.
    cases = run(clinic, tmp_path, f"--header=Cookie: {cookie}", "--exclude-path=/sign-out")
    assert int(cases) > 100
