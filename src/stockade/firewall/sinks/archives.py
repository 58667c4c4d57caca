"""Archives unpacked for a request: nothing may land, or lead, outside the destination.

Names in an archive are no values of the request that could be compared: they come out of an
uploaded, mostly compressed file. So each member is judged by where it would go. Python's own `data`
filter (PEP 706) judges the members of a tar first; what older ones of it let through (links that
meet other links, paths longer than the system resolves: CVE-2025-4138, -4330, -4517) is looked up
in the file system. `zipfile` makes names harmless by itself, but follows links that stand there.

What is listed without decompressing is judged before the first member is written; else each member
is judged before it is. A filter of the application's own comes first, and its result is judged.

Not seen: members that the application writes itself (`open(os.path.join(folder, name))`), other
libraries' extraction, and another thread that changes the destination meanwhile.
"""

from __future__ import annotations

import functools
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from typing import Any, TypeAlias

from stockade.core.bus import emit
from stockade.core.context import RequestContext, current
from stockade.core.events import Outcome
from stockade.core.inputs import Input
from stockade.firewall.engine import Guard
from stockade.firewall.grammars import Finding
from stockade.firewall.rebind import rebind
from stockade.firewall.sinks.archive_members import Destination

__all__ = ["install", "uninstall"]

Filter: TypeAlias = Callable[[tarfile.TarInfo, str], tarfile.TarInfo | None]

_guard: Guard | None = None
_tar_extract = tarfile.TarFile.extract
_tar_extractall = tarfile.TarFile.extractall
_zip_extract = zipfile.ZipFile.extract
_zip_extractall = zipfile.ZipFile.extractall
_unpack_archive = shutil.unpack_archive
_filter_of: Any = vars(tarfile.TarFile).get("_get_filter_function")  # absent before 3.11.4


class _Judge:
    """One extraction for one request."""

    def __init__(self, guard: Guard, request: RequestContext, folder: Any) -> None:
        self._guard = guard
        self._request = request
        self._destination = Destination(os.fspath(folder))
        guard.checked += 1

    def tar_member(self, member: tarfile.TarInfo, archive: tarfile.TarFile) -> None:
        self._report(self._destination.judge_tar(member, archive), member.name)

    def zip_member(self, name: str) -> None:
        self._report(self._destination.judge_zip(name), name)

    def unpacked(self, name: str) -> None:
        self._report(self._destination.judge_unpacked(name), name)

    def _report(self, rule: str, name: str) -> None:
        if rule:
            finding = Finding(rule, _REASONS[rule], Input("archive", "", name), 0, len(name))
            self._guard.alarm(self._request, finding, len(name))


def _judge(folder: Any) -> _Judge | None:
    request = current()
    if _guard is None or _guard.mode == "off" or request is None:
        return None
    return _Judge(_guard, request, folder)


def _is_listed(tar: tarfile.TarFile, members: Any) -> bool:
    """Whether the members can be had twice without decompressing anything."""
    if members is None:
        return type(tar.fileobj).__module__ in ("_io", "io", "tempfile")
    return isinstance(members, (list, tuple))


@functools.wraps(_tar_extractall)
def _extractall_tar(
    self: tarfile.TarFile, path: Any = ".", members: Any = None, **options: Any
) -> None:
    judge = _judge(path)
    if judge is None:
        _tar_extractall(self, path, members, **options)
        return
    chosen = _chosen_filter(self, options)
    # A filter may rename members: only without one do the names say now where they will go.
    if chosen is tarfile.fully_trusted_filter and _is_listed(self, members):
        for member in self if members is None else members:
            if not (member.issym() or member.islnk()):  # these depend on what stands there by then
                judge.tar_member(member, self)
    options["filter"] = _judged(chosen, judge, self)
    _tar_extractall(self, path, members, **options)


@functools.wraps(_tar_extract)
def _extract_tar(
    self: tarfile.TarFile, member: Any, path: Any = "", set_attrs: bool = True, **options: Any
) -> None:
    judge = _judge(path)
    if judge is not None:
        options["filter"] = _judged(_chosen_filter(self, options), judge, self)
    _tar_extract(self, member, path, set_attrs, **options)


def _chosen_filter(tar: tarfile.TarFile, options: dict[str, Any]) -> Filter:
    """What TarFile itself takes for the filter (the default has changed with Python 3.14)."""
    chosen: Filter = _filter_of(tar, options.get("filter"))
    return chosen


def _judged(chosen: Filter, judge: _Judge, archive: tarfile.TarFile) -> Filter:
    def judged(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
        filtered = chosen(member, path)
        if filtered is not None:
            judge.tar_member(filtered, archive)
        return filtered

    return judged


@functools.wraps(_zip_extractall)
def _extractall_zip(
    self: zipfile.ZipFile, path: Any = None, members: Any = None, pwd: Any = None
) -> None:
    judge = _judge(os.getcwd() if path is None else path)
    if judge is not None:
        members = self.namelist() if members is None else list(members)
        for member in members:
            judge.zip_member(_name_of(member))
    _zip_extractall(self, path, members, pwd)


@functools.wraps(_zip_extract)
def _extract_zip(self: zipfile.ZipFile, member: Any, path: Any = None, pwd: Any = None) -> str:
    judge = _judge(os.getcwd() if path is None else path)
    if judge is not None:
        judge.zip_member(_name_of(member))
    return _zip_extract(self, member, path, pwd)


def _name_of(member: str | zipfile.ZipInfo) -> str:
    return member.filename if isinstance(member, zipfile.ZipInfo) else member


@functools.wraps(_unpack_archive)
def _unpack(filename: Any, extract_dir: Any = None, *arguments: Any, **options: Any) -> None:
    # A tar goes through TarFile.extractall; a zip is written by shutil itself.
    judge = _judge(os.getcwd() if extract_dir is None else extract_dir)
    if judge is not None and zipfile.is_zipfile(filename):
        with zipfile.ZipFile(filename) as archive:
            for name in archive.namelist():
                judge.unpacked(name)
    _unpack_archive(filename, extract_dir, *arguments, **options)


_METHODS: tuple[tuple[type, str, Any, Any], ...] = (
    (tarfile.TarFile, "extract", _tar_extract, _extract_tar),
    (tarfile.TarFile, "extractall", _tar_extractall, _extractall_tar),
    (zipfile.ZipFile, "extract", _zip_extract, _extract_zip),
    (zipfile.ZipFile, "extractall", _zip_extractall, _extractall_zip),
)


def install(guard: Guard) -> None:
    """Judge every extraction by `tarfile`, `zipfile` and `shutil` for a request from now on."""
    global _guard
    _guard = guard
    if not hasattr(tarfile, "data_filter"):  # before 3.11.4
        emit(
            "sink_unguarded",
            Outcome.FAILED,
            "firewall",
            "This Python's tarfile has no extraction filters (PEP 706): update it.",
            rule="path.unguarded",
            count=1,
        )
    for owner, name, _, replacement in _METHODS:
        if owner is not tarfile.TarFile or hasattr(tarfile, "data_filter"):
            setattr(owner, name, replacement)
    rebind([(_unpack_archive, _unpack)])


def uninstall() -> None:
    """Give the two classes and `shutil` their own back."""
    global _guard
    _guard = None
    for owner, name, original, _ in _METHODS:
        setattr(owner, name, original)
    rebind([(_unpack, _unpack_archive)])


_REASONS = {
    "path.archive-outside": "A member of an archive would be written outside the destination.",
    "path.archive-link": "A link in an archive leads outside the destination.",
    "path.archive-device": "A member of an archive is a device or another special file.",
}
