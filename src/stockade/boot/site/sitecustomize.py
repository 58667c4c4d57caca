"""Found first on PYTHONPATH under `stockade run`: start Stockade, after any other sitecustomize."""

import importlib.machinery
import importlib.util
import os
import sys


def _run_the_other() -> None:
    """Run the sitecustomize that this one hides."""
    here = os.path.dirname(os.path.abspath(__file__))
    elsewhere = [folder for folder in sys.path if os.path.abspath(folder) != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


def _start() -> None:
    try:
        import stockade.boot
    except ModuleNotFoundError as error:
        if error.name not in ("stockade", "stockade.boot"):
            raise
        _say_absent()
    else:
        stockade.boot.start()


def _say_absent() -> None:
    # An interpreter of another environment. Only the standard library may be used here.
    import json

    text = f"Stockade is not installed for {sys.executable}: install it there"
    sys.stderr.write(f"stockade: WARNING: process {os.getpid()} is NOT GUARDED: {text}\n")
    number, _, inode = os.environ.get("STOCKADE_RUN_FD", "").partition(":")
    try:
        if str(os.fstat(int(number)).st_ino) == inode:
            message = {"kind": "absent", "pid": os.getpid(), "text": text}
            os.write(int(number), (json.dumps(message) + "\n").encode())
    except (OSError, ValueError):
        pass  # nobody supervises this process; standard error has been told


try:
    _run_the_other()
finally:
    _start()
