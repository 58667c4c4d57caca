import subprocess
import sys

from stockade import access
from tests.conftest import UNMEASURED


def test_all_is_sorted_and_there() -> None:
    assert access.__all__ == sorted(access.__all__)
    for name in access.__all__:
        assert getattr(access, name).__module__.startswith("stockade.access")


def test_importing_the_part_is_light() -> None:
    code = (
        "import sys, stockade.access\n"
        "from stockade.access import Sessions, SignIn, StoreThrottle, Policies, Entity\n"
        "print([m for m in ('fastapi', 'starlette', 'cedarpy', 'sqlite3') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=UNMEASURED
    )
    assert done.stdout == "[]\n"


def test_without_fastapi_one_line_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['fastapi'] = None\n"
        "try: import stockade.access.fastapi\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "stockade[fastapi]"' in done.stdout
    assert done.stdout.count("\n") == 1
