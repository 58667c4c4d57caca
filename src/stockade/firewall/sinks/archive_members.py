"""Where a member of an archive would go: one destination, as the file system has it by now."""

from __future__ import annotations

import errno
import os
import tarfile

__all__ = ["Destination"]

_OUTSIDE = "path.archive-outside"
_LINK = "path.archive-link"
_DEVICE = "path.archive-device"
_PATH_MAX = 4096
_MAX_LINKS = 40  # as Linux has it


class Destination:
    """A folder that members are extracted to; the methods give the broken rule's id, or nothing."""

    def __init__(self, folder: str) -> None:
        self._folder = os.path.join(os.getcwd(), os.fsdecode(folder))
        self._real = os.path.realpath(self._folder)
        self._below = os.path.join(self._real, "")
        # Folders that were looked up; a new link may change where any of them leads.
        self._sound: set[str] = set()
        # Where the archive's own symbolic links lead, by their names.
        self._symlinks: dict[str, set[str]] = {}
        self._read = 0

    def judge_tar(self, member: tarfile.TarInfo, archive: tarfile.TarFile) -> str:
        """A tar member, as it is about to be extracted."""
        name = member.name
        target = os.path.join(self._folder, name)
        plain = member.isreg() or member.isdir()
        if plain and ".." not in name and self._is_sound(target):
            return ""
        if not name.startswith("/"):  # the filter would judge it without the slash
            try:
                tarfile.data_filter(member, self._real)
            except tarfile.SpecialFileError:
                return _DEVICE
            except tarfile.LinkOutsideDestinationError:
                return _LINK
            except tarfile.AbsoluteLinkError:
                pass  # it may lead inside all the same
            except (tarfile.FilterError, OSError, ValueError):
                return _OUTSIDE
        elif not (plain or member.islnk() or member.issym()):
            return _DEVICE
        # A link takes the place of one that stands there; anything else follows it.
        if not (self._holds(os.path.dirname(target)) if member.issym() else self._holds(target)):
            return _OUTSIDE
        return self._judge_link(member, target, archive)

    def judge_zip(self, name: str) -> str:
        """A zip member: `zipfile` drops `..` and empty segments by itself, and writes no links."""
        parts = [part for part in name.split("/") if part not in ("", ".", "..")]
        if not parts or self._is_sound(os.path.join(self._folder, *parts)):
            return ""
        return _OUTSIDE

    def judge_unpacked(self, name: str) -> str:
        """A zip member that `shutil` writes; it leaves out what climbs or is absolute."""
        return "" if name.startswith("/") or ".." in name else self.judge_zip(name)

    def _judge_link(self, member: tarfile.TarInfo, target: str, archive: tarfile.TarFile) -> str:
        if member.issym():
            led = {member.linkname}
        elif member.islnk():
            source = os.path.join(self._folder, member.linkname)
            if not self._holds(source):
                return _LINK
            led = self._texts_of(source, member.linkname, archive)
        else:
            return ""
        self._sound.clear()
        folder = os.path.dirname(target)
        for text in led:
            if _can_be_turned(folder, text) or not self._holds(os.path.join(folder, text)):
                return _LINK
        return ""

    def _texts_of(self, source: str, name: str, archive: tarfile.TarFile) -> set[str]:
        """Where a hard link would lead if what it links to is a symbolic one: from its own folder.

        It is made of what stands there, or of a member of that name where nothing does.
        """
        if os.path.exists(source) and not os.path.islink(source):
            return set()
        members: list[tarfile.TarInfo] = vars(archive)["members"]  # as far as it was read
        for member in members[self._read :]:
            if member.issym():
                self._symlinks.setdefault(os.path.normpath(member.name), set()).add(member.linkname)
        self._read = len(members)
        found = set(self._symlinks.get(os.path.normpath(name), ()))
        if os.path.islink(source):
            found.add(os.readlink(source))
        return found

    def _is_sound(self, target: str) -> bool:
        """Whether a plain name is inside: its folder was looked up, and it is no link itself."""
        folder = os.path.dirname(target.rstrip("/"))
        if folder not in self._sound:
            if not self._holds(folder):
                return False
            self._sound.add(folder)
        return not os.path.islink(target.rstrip("/")) or self._holds(target)

    def _holds(self, path: str) -> bool:
        """Whether `path`, links resolved as far as they stand there, is the folder or below it."""
        try:
            real = _resolve(path)
        except (OSError, ValueError):  # too long, a loop, a NUL: nobody knows where it leads
            return False
        return real == self._real or real.startswith(self._below)


def _can_be_turned(folder: str, link: str) -> bool:
    """Whether a later link, of any archive, can change where this one leads by a `..`.

    It can where a `..` follows a segment that is no real folder (yet). All other links stay inside
    if they are now: they climb from where they stand, and from there on only go down.
    """
    path, named, firm = folder, False, True
    for segment in link.split("/"):
        if segment == "..":
            if named and not firm:
                return True
        elif segment not in ("", "."):
            named = True
            there = os.path.join(path, segment)
            firm = firm and os.path.isdir(there) and not os.path.islink(there)
        path = os.path.join(path, segment)
    return False


def _resolve(path: str) -> str:
    """As `os.path.realpath`, which gives up silently where it cannot look; here that is an error.

    Segments that do not exist (yet) are taken for plain folders.
    """
    if len(os.fsencode(path)) >= _PATH_MAX:
        raise OSError(errno.ENAMETOOLONG, "path too long")
    missing: list[str] = []
    links = 0
    while not os.path.exists(path):
        if os.path.islink(path):  # dangling: where it leads is what counts
            links += 1
            if links > _MAX_LINKS:
                raise OSError(errno.ELOOP, "too many links")
            path = os.path.join(os.path.dirname(path), os.readlink(path))
        else:
            path, last = os.path.split(path.rstrip("/"))
            missing.append(last)
    return os.path.normpath(os.path.join(os.path.realpath(path, strict=True), *missing[::-1]))
