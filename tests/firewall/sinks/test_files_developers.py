"""The developer's own dots, folders and absolute paths."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

from stockade.core.context import RequestContext, running
from stockade.core.errors import Blocked
from stockade.core.inputs import InputLimits, Inputs
from stockade.firewall.grammars.path import PathGrammar
from stockade.firewall.grammars.path_homes import home_folders
from tests.conftest import Request, Switch
from tests.firewall.sinks.conftest import (
    SECRET,
    by_open,
)


@pytest.mark.parametrize("value", ["..", "../", ".", "hello.", "./a.txt", "a.txt"])
def test_the_developers_own_dots(
    value: str, root: Path, request_of: Request, firewall: Switch
) -> None:
    path = f"{root}/../secret.txt"
    with firewall("block"):
        with request_of("an earlier request"):
            assert by_open(path) == SECRET
        with request_of(value):
            assert by_open(path) == SECRET
        with request_of("../secret.txt"), pytest.raises(Blocked):
            by_open(path)  # a value that says more than dots is evidence all the same


class UrlRequest(RequestContext):
    """A request for a path, without parameters."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        super().__init__("test-1", "192.0.2.1")
        self.path = path

    def read_inputs(self) -> Inputs:
        inputs = Inputs(InputLimits())
        inputs.add_path(self.path, self.path)
        return inputs


def test_a_file_of_the_system_by_the_path_of_the_url(firewall: Switch) -> None:
    with running(UrlRequest("/etc/hostname")):
        content = by_open("/etc/hostname")
        assert content
        with firewall("block"):
            with pytest.raises(Blocked):
                by_open("/etc/hostname")
            assert os.listdir("/etc/..")


@pytest.mark.parametrize("url", ["/{0}", "/{0}/media/a.css", "/{0}/media", "/t", "/{1}"])
def test_the_path_of_the_url_is_no_evidence_where_services_keep_their_files(
    url: str,
) -> None:
    grammar, service = PathGrammar(), "srvx"
    request = UrlRequest(url.format(service, service[0]))
    values = grammar.prepare(request.inputs)
    for path in (f"/{service}/media/a.css", f"/{service}/db.json", "/tmp/upload-1"):
        assert isinstance(grammar.check(path, values), bool)


def test_an_absolute_value_is_a_prefix_at_the_edge_of_a_segment_only(
    request_of: Request, firewall: Switch, tmp_path: Path
) -> None:
    folder = "/" + tmp_path.parts[1]
    (tmp_path / "x").write_text("hello")
    with firewall("block"):
        with request_of(folder[:2]):
            assert (tmp_path / "x").read_text() == "hello"
        for value, path in [
            (str(tmp_path), f"{tmp_path}/x"),
            (f"{tmp_path}/x", f"{tmp_path}/x"),
            (f"{tmp_path}/sec", f"{tmp_path}/secret.json"),
            ("/", "/"),
        ]:
            with request_of(value), pytest.raises(Blocked):
                os.listdir(path)


def test_a_temporary_file_is_no_choice_of_the_request(
    request_of: Request, firewall: Switch
) -> None:
    folder = tempfile.gettempdir()
    with firewall("block"), request_of(folder):
        with tempfile.TemporaryFile() as file:
            assert file.write(b"x") == 1
        with pytest.raises(Blocked):
            os.listdir(folder)


def test_a_request_for_the_folder_of_the_code_harms_nothing(
    root: Path, request_of: Request, firewall: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(root))
    home_folders.cache_clear()
    with firewall("block"), request_of(str(root.parent)):
        assert by_open(f"{root}/a.txt") == "hello"
    home_folders.cache_clear()


def test_the_folder_of_the_code_is_no_value_for_a_request_to_choose(
    root: Path, request_of: Request, firewall: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exploit first: `f"{value}/a.txt"` is meant for a user's folder, and reads the code's own."""
    monkeypatch.syspath_prepend(str(root))
    home_folders.cache_clear()
    with request_of(str(root)):
        assert by_open(f"{root}/a.txt") == "hello"
    with firewall("block"):
        with request_of(str(root)), pytest.raises(Blocked):
            by_open(f"{root}/a.txt")
        with request_of("an honest value"):
            assert by_open(f"{root}/a.txt") == "hello"
        with request_of(str(root)):  # the application opens it for others as well
            assert by_open(f"{root}/a.txt") == "hello"
            with pytest.raises(Blocked):
                by_open(f"{root}/sub/b.txt")
    home_folders.cache_clear()


def test_a_folder_of_the_code_that_is_named_as_an_address_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`?next=/app` in a container whose working directory is `/app`."""
    monkeypatch.setattr(sys, "path", ["/app"])
    home_folders.cache_clear()
    grammar, inputs = PathGrammar(), Inputs(InputLimits())
    inputs.add("query", "next", "/app")
    values = grammar.prepare(inputs)
    assert grammar.check("/app/templates/sign-in.html", values) is True
    assert not isinstance(grammar.check("/app/settings.toml", values), bool)
    assert grammar.check("/app/settings.toml", grammar.prepare(Inputs(InputLimits()))) is False
    assert grammar.check("/app/settings.toml", values) is True
    home_folders.cache_clear()
