from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from stockade.confine.report import Layer, Report, State, open_doors


def test_lines_say_both_sides() -> None:
    report = Report((Layer("umask", State.APPLIED, "fine"),), ("files: everything",))
    assert report.lines() == ["umask: applied (fine)", "NOT confined: files: everything"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_root_and_capabilities_are_said_exactly_where_they_are_so() -> None:
    said = " ".join(open_doors())
    status = dict(
        line.split(":", 1)
        for line in Path("/proc/self/status").read_text().splitlines()
        if ":" in line
    )
    assert ("runs as root" in said) == (os.geteuid() == 0)
    assert ("capabilities:" in said) == (int(status["CapEff"], 16) != 0)


def test_a_writable_module_folder_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "absent")])
    assert any("1 of the folders" in door for door in open_doors())
    monkeypatch.setattr(sys, "path", [str(tmp_path / "absent")])
    assert not any("folders that modules" in door for door in open_doors())
