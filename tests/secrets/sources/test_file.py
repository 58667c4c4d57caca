from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stockade.core.errors import SecretError
from stockade.secrets.sources.file import MAX_SIZE, FileSource, mounted_for_us

resolve = FileSource().resolve


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "db"
    path.touch(0o600)
    return path


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("s3cret", "s3cret"),
        ("s3cret\n", "s3cret"),
        ("s3cret\r\n", "s3cret"),
        ("a\n\n", "a\n"),
        (" é ", " é "),
    ],
)
def test_one_newline_at_the_end_is_not_part_of_it(file: Path, content: str, value: str) -> None:
    file.write_bytes(content.encode())
    assert resolve(str(file)) == value


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "empty"), (b"\n", "empty"), (b"hunter2\xff", "UTF-8")]
)
def test_what_holds_no_text_is_refused(file: Path, content: bytes, why: str) -> None:
    file.write_bytes(content)
    with pytest.raises(SecretError, match=why) as caught:
        resolve(str(file))
    assert "hunter2" not in repr((caught.value, caught.value.__context__, caught.value.__cause__))


def test_the_size_is_bounded(file: Path) -> None:
    file.write_bytes(b"x" * MAX_SIZE)
    assert len(resolve(str(file))) == MAX_SIZE
    file.write_bytes(b"x" * (MAX_SIZE + 1))
    with pytest.raises(SecretError, match="larger"):
        resolve(str(file))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o666])
def test_a_file_that_others_may_read_or_change_is_refused(file: Path, mode: int) -> None:
    file.write_text("s3cret")
    file.chmod(mode)
    with pytest.raises(SecretError, match="others than its owner; chmod 400"):
        resolve(str(file))
    file.chmod(0o400)
    assert resolve(str(file)) == "s3cret"


def test_the_permissions_are_those_of_a_links_target(file: Path) -> None:
    file.write_text("s3cret")
    link = file.with_name("link")
    link.symlink_to(file)
    assert resolve(str(link)) == "s3cret"
    file.chmod(0o644)
    with pytest.raises(SecretError, match="read by others"):
        resolve(str(link))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
def test_a_file_of_another_user_is_refused(file: Path) -> None:
    file.write_text("s3cret")
    os.chown(file, 65534, 65534)
    with pytest.raises(SecretError, match="another user"):
        resolve(str(file))


def test_a_pipe_or_folder_in_its_place_does_not_hold_up_the_start(file: Path) -> None:
    os.mkfifo(file.with_name("pipe"), 0o600)
    for name in ("pipe", "."):
        with pytest.raises(SecretError, match="regular file"):
            resolve(str(file.with_name(name) if name != "." else file.parent))
    with pytest.raises(SecretError, match="cannot be read"):
        resolve(str(file.with_name("absent")))
    with pytest.raises(SecretError, match="not a path"):
        resolve("a\0b")


MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:30 / /tmp rw,nosuid - tmpfs tmpfs rw
31 22 0:31 / /run rw,nosuid - tmpfs tmpfs rw
32 31 0:32 / /run/secrets/db rw,relatime - tmpfs tmpfs rw
33 22 0:33 / /etc/our\\040secrets ro,relatime - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("path", "device", "ours"),
    [
        ("/run/secrets/db", (0, 32), True),
        ("/etc/our secrets/db", (0, 33), True),
        ("/tmp/db", (0, 30), False),
        ("/run/db", (0, 31), False),
        ("/run/secrets-of-others/db", (0, 31), False),
        ("/etc/db", (254, 0), False),
        ("/run/secrets/db", (254, 0), False),
    ],
)
def test_only_memory_mounted_for_secrets_may_be_open(
    path: str, device: tuple[int, int], ours: bool
) -> None:
    assert mounted_for_us(path, os.makedev(*device), MOUNTS) is ours


def test_a_real_mount_in_a_namespace_of_its_own() -> None:
    unshare = shutil.which("unshare")
    if sys.platform != "linux" or os.geteuid() != 0 or unshare is None:
        if os.environ.get("STOCKADE_FULL"):
            pytest.fail("needs root and unshare(1)")
        pytest.skip("needs root and unshare(1)")
    script = (
        "mkdir -p /run/secrets && mount -t tmpfs tmpfs /run/secrets && umask 022 && "
        'echo s3cret > /run/secrets/db && exec "$0" -c '
        "\"from stockade.secrets import resolve; print(resolve('file:/run/secrets/db').reveal())\""
    )
    done = subprocess.run(
        [unshare, "--mount", "sh", "-c", script, sys.executable],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("s3cret\n", "")
