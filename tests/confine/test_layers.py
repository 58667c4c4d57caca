"""Each attack runs in a child process, once unconfined, where it works, and once confined."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stockade.confine.layers import parse_umask
from stockade.core.errors import ConfigError
from tests.conftest import UNMEASURED

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="confinement is Linux only")

NOBODY = 65534
OPEN = "ConfineSettings(no_new_privileges=False, core_dumps=True, umask='000')"
CLOSED = "ConfineSettings()"
SECRET = "the-memory-of-" + "a-secret"  # in two pieces, so that this file never holds it whole
BECOME_NOBODY = f"""
import ctypes, json, os, resource, subprocess, sys, threading
from stockade.confine import enforce, kernel
from stockade.core.config import ConfineSettings
if os.geteuid() == 0:
    os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
    kernel.set_dumpable(1)  # as execve would: setuid alone has cleared it
"""
needs_root = pytest.mark.skipif(
    os.geteuid() != 0 and not os.environ.get("STOCKADE_FULL"), reason="needs root to set up"
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that an unprivileged user reaches, unlike pytest's own."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o777)
    yield path
    shutil.rmtree(path)


def start(program: str, *arguments: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", BECOME_NOBODY + program, *arguments],
        cwd=cwd,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=UNMEASURED,
    )


def run(program: str, *arguments: str, cwd: Path) -> str:
    process = start(program, *arguments, cwd=cwd)
    output, errors = process.communicate(timeout=30)
    return output.strip() or errors.strip().rpartition("\n")[2]


@needs_root
def test_a_set_user_id_program_makes_root_of_nobody_only_without_the_layer(folder: Path) -> None:
    program = shutil.which("id")
    assert program is not None
    shutil.copy(program, folder / "id")
    (folder / "id").chmod(0o4755)
    attack = "enforce({}); os.execv(sys.argv[1], ['id', '-u'])"

    unconfined = run(attack.format(OPEN), str(folder / "id"), cwd=folder)
    confined = run(attack.format(CLOSED), str(folder / "id"), cwd=folder)

    assert unconfined == "0"
    assert confined == str(NOBODY)


VICTIM = """
secret = ctypes.create_string_buffer(sys.argv[1].encode())
enforce({})
print(os.getpid(), ctypes.addressof(secret), flush=True)
sys.stdin.read()
"""
THIEF = """
with open(f"/proc/{sys.argv[1]}/mem", "rb") as memory:
    memory.seek(int(sys.argv[2]))
    print(memory.read(int(sys.argv[3])).decode())
"""


@pytest.mark.parametrize(("settings", "stolen"), [(OPEN, True), (CLOSED, False)])
def test_another_process_of_the_same_user_reads_memory_only_without_the_layer(
    folder: Path, settings: str, stolen: bool
) -> None:
    victim = start(VICTIM.format(settings), SECRET, cwd=folder)
    try:
        assert victim.stdout is not None
        pid, address = victim.stdout.readline().split()
        found = run(THIEF, pid, address, str(len(SECRET)), cwd=folder)
    finally:
        victim.communicate(timeout=30)
    assert (found == SECRET) is stolen
    assert ("Permission" in found) is not stolen


CRASH = """
resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
secret = ctypes.create_string_buffer(sys.argv[1].encode())
enforce({})
os.abort()
"""


def core_files_are_plain() -> bool:
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    return not pattern.startswith("|") and "/" not in pattern


@needs_root
@pytest.mark.skipif(not core_files_are_plain(), reason="core dumps go elsewhere on this machine")
def test_a_crash_leaves_the_secret_on_disk_only_without_the_layer(folder: Path) -> None:
    run(CRASH.format(OPEN), SECRET, cwd=folder)
    dumps = list(folder.iterdir())
    assert len(dumps) == 1
    assert SECRET.encode() in dumps[0].read_bytes()
    dumps[0].unlink()

    run(CRASH.format(CLOSED), SECRET, cwd=folder)
    assert list(folder.iterdir()) == []


def test_a_new_file_is_readable_by_others_only_without_the_layer(folder: Path) -> None:
    program = "enforce({}); open('made', 'w').write('records'); print(os.stat('made').st_mode)"

    unconfined = int(run(program.format(OPEN), cwd=folder))
    (folder / "made").unlink()
    confined = int(run(program.format(CLOSED), cwd=folder))

    assert stat.S_IMODE(unconfined) == 0o666
    assert stat.S_IMODE(confined) == 0o600


def test_a_confined_process_still_does_honest_work(folder: Path) -> None:
    work = """
enforce({})
thread = threading.Thread(target=lambda: open("written", "w").write("x"))
thread.start(); thread.join()
out = subprocess.run(["/bin/echo", "hello"], capture_output=True, text=True, close_fds=True).stdout
print(json.dumps([out, open("written").read(), len(os.listdir("/tmp")) >= 0]))
"""
    assert run(work.format(CLOSED), cwd=folder) == '["hello\\n", "x", true]'


@pytest.mark.parametrize("text", ["", "8", "-1", "0o77", "1777", "77 ", "\u0661", "rwx"])
def test_a_mask_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="octal"):
        parse_umask(text)


@pytest.mark.parametrize(("text", "mask"), [("077", 0o77), ("27", 0o27), ("0", 0), ("0777", 0o777)])
def test_a_mask_is_octal(text: str, mask: int) -> None:
    assert parse_umask(text) == mask
