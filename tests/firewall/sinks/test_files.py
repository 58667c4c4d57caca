"""Files: what is read or written decides, with the firewall off and on."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from stockade.core.context import RequestContext, running
from stockade.core.errors import Blocked
from stockade.core.inputs import InputLimits, Inputs
from tests.conftest import Request, Switch

SECRET = "the key under the mat"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text(SECRET)
    public = tmp_path / "public"
    (public / "sub").mkdir(parents=True)
    (public / "a.txt").write_text("hello")
    (public / "sub" / "b.txt").write_text("below")
    return public


def by_open(path: str) -> str:
    with open(path) as file:
        return file.read()


def by_pathlib(path: str) -> str:
    return Path(path).read_text()


def by_descriptor(path: str) -> str:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 100).decode()
    finally:
        os.close(descriptor)


def by_copy(path: str) -> str:
    copy = shutil.copyfile(path, path + ".copy")
    try:
        return Path(copy).read_text()
    finally:
        os.unlink(copy)


def by_bytes(path: str) -> str:
    return by_open(os.fsencode(path))  # type: ignore[arg-type]


@pytest.mark.parametrize("read", [by_open, by_pathlib, by_descriptor, by_copy, by_bytes])
@pytest.mark.parametrize(
    "climb",
    [
        "../secret.txt",
        "sub/../../secret.txt",
        "..//secret.txt",
        ".././secret.txt",
        "sub/..//./../secret.txt",
    ],
)
def test_a_secret_is_read_without_and_kept_with_the_firewall(
    read: Callable[[str], str], climb: str, root: Path, request_of: Request, firewall: Switch
) -> None:
    with request_of(climb):
        assert read(f"{root}/{climb}") == SECRET
        with firewall("block"), pytest.raises(Blocked):
            read(f"{root}/{climb}")


def test_an_absolute_value_is_refused(root: Path, request_of: Request, firewall: Switch) -> None:
    value = str(root.parent / "secret.txt")
    with request_of(value):
        assert by_open(os.path.join(root, value)) == SECRET
        with firewall("block"), pytest.raises(Blocked):
            by_open(os.path.join(root, value))


def test_a_file_is_written_outside_without_and_not_with_the_firewall(
    root: Path, request_of: Request, firewall: Switch
) -> None:
    value = "../planted.txt"
    with request_of(value):
        with firewall("block"), pytest.raises(Blocked):
            (root / value).write_text("x")
        assert not (root.parent / "planted.txt").exists()
        (root / value).write_text("x")
        assert (root.parent / "planted.txt").exists()


@pytest.mark.parametrize("value", ["a.txt", "sub/b.txt", "./a.txt", "sub//b.txt", "/a.txt"])
def test_names_below_the_folder_pass(
    value: str, root: Path, request_of: Request, firewall: Switch
) -> None:
    with firewall("block"), request_of(value):
        assert by_open(f"{root}/{value}") in {"hello", "below"}


def test_a_path_that_was_resolved_and_checked_passes(
    root: Path, request_of: Request, firewall: Switch
) -> None:
    value = "sub/../a.txt"
    with firewall("block"), request_of(value):
        path = (root / value).resolve()
        assert path.is_relative_to(root)
        assert path.read_text() == "hello"


def test_a_request_for_the_folder_of_the_code_harms_nothing(
    root: Path, request_of: Request, firewall: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stockade.firewall.grammars import path

    monkeypatch.syspath_prepend(str(root))
    path._home_folders.cache_clear()
    with firewall("block"), request_of(str(root.parent)):
        assert by_open(f"{root}/a.txt") == "hello"
    path._home_folders.cache_clear()


def remove(path: str) -> None:
    os.remove(path)


def move(path: str) -> None:
    os.rename(path, path + ".moved")


def move_here(path: str) -> None:
    os.replace(os.path.join(os.path.dirname(path), "a.txt"), path)


def link(path: str) -> None:
    os.link(path, path + ".link")


def symlink(path: str) -> None:
    os.symlink(path, path + ".link")


def shorten(path: str) -> None:
    os.truncate(path, 0)


def hide(path: str) -> None:
    os.chmod(path, 0o600)


def age(path: str) -> None:
    os.utime(path, (0, 0))


def state(folder: Path) -> set[tuple[str, int, int, float]]:
    return {
        (str(path), path.lstat().st_mode, path.lstat().st_size, path.lstat().st_mtime)
        for path in folder.rglob("*")
        if not path.is_dir()
    }


@pytest.mark.parametrize("change", [remove, move, move_here, link, symlink, shorten, hide, age])
def test_a_file_outside_is_changed_without_and_not_with_the_firewall(
    change: Callable[[str], None], root: Path, request_of: Request, firewall: Switch
) -> None:
    (root / "sub" / "a.txt").write_text("x")
    if change is move_here:
        (root.parent / "a.txt").write_text("planted")
    value, before = "../secret.txt", state(root.parent)
    with request_of(value):
        with firewall("block"), pytest.raises(Blocked):
            change(f"{root}/{value}")
        assert state(root.parent) == before
        change(f"{root}/{value}")
        assert state(root.parent) != before


@pytest.mark.parametrize("change", [remove, move, link, symlink, shorten, hide, age])
def test_a_file_below_may_be_changed(
    change: Callable[[str], None], root: Path, request_of: Request, firewall: Switch
) -> None:
    before = state(root)
    with firewall("block"), request_of("sub/b.txt"):
        change(f"{root}/sub/b.txt")
    assert state(root) != before


def test_folders(root: Path, request_of: Request, firewall: Switch) -> None:
    (root.parent / "empty").mkdir()
    actions: list[tuple[Callable[[str], object], str]] = [
        (os.listdir, ".."),
        (lambda path: list(os.scandir(path)), "../"),
        (lambda path: list(Path(path).iterdir()), "../"),
        (os.rmdir, "../empty"),
        (os.mkdir, "../made"),
        (shutil.rmtree, "../made"),
    ]
    for act, value in actions:
        with request_of(value):
            before = sorted(os.listdir(root.parent))
            with firewall("block"), pytest.raises(Blocked):
                act(f"{root}/{value}")
            assert sorted(os.listdir(root.parent)) == before
            assert act(f"{root}/{value}") or sorted(os.listdir(root.parent)) != before
    with firewall("block"), request_of("sub"):
        assert os.listdir(f"{root}/sub") == ["b.txt"]


@pytest.mark.parametrize(
    ("values", "path"),
    [
        (("./secret.txt",), ".{}"),
        ((".", "/secret.txt"), "{}.{}"),
        ((".",), "{0}{0}/secret.txt"),
        (("sub/.",), "{}./../secret.txt"),
        (("..",), "{}/secret.txt"),
        (("..", "secret.txt"), "{}/{}"),
    ],
)
def test_dots_that_meet(
    values: tuple[str, ...], path: str, root: Path, request_of: Request, firewall: Switch
) -> None:
    target = f"{root}/{path.format(*values)}"
    with request_of(*values):
        assert by_open(target) == SECRET
        with firewall("block"), pytest.raises(Blocked):
            by_open(target)


@pytest.mark.parametrize(
    ("value", "change"),
    [
        ("....//secret.txt", lambda v: v.replace("../", "")),
        ("/files/../secret.txt", lambda v: v.removeprefix("/files/")),
        ("../SECRET.TXT", str.lower),
        ("../secret.zip", lambda v: os.path.splitext(v)[0] + ".txt"),
        ("..\\secret.txt", lambda v: v.replace("\\", "/")),
        ("/../secret.txt", lambda v: v.lstrip("/")),
        ("x:../secret.txt", lambda v: v.split(":")[1]),
    ],
    ids=range(7),
)
def test_a_climbing_value_that_the_application_changed_first(
    value: str,
    change: Callable[[str], str],
    root: Path,
    request_of: Request,
    firewall: Switch,
) -> None:
    with request_of(value):
        assert by_open(f"{root}/{change(value)}") == SECRET
        with firewall("block"), pytest.raises(Blocked):
            by_open(f"{root}/{change(value)}")


def test_the_path_of_a_file_address(root: Path, request_of: Request, firewall: Switch) -> None:
    path = str(root.parent / "secret.txt")
    with request_of(f"file://{path}"):
        assert by_open(path) == SECRET
        with firewall("block"), pytest.raises(Blocked):
            by_open(path)


def test_bytes_that_are_not_in_the_file_systems_encoding(
    root: Path, request_of: Request, firewall: Switch
) -> None:
    value = "é/../../secret.txt"
    os.mkdir(os.fsencode(root) + b"/\xe9")
    path = os.fsencode(root) + b"/" + value.encode("latin-1")
    with request_of(value):
        assert Path(os.fsdecode(path)).read_text() == SECRET
        with firewall("block"), pytest.raises(Blocked):
            by_bytes(os.fsdecode(path))


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
    from stockade.firewall.grammars.path import PathGrammar

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
