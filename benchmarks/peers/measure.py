"""The products' figures for a claim: each a ratio to the same application bare, in the same run."""

from __future__ import annotations

import http.client
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

from benchmarks.claim import Unmeasured
from benchmarks.cost import Cost
from benchmarks.flask_service import guarded_and_bare
from benchmarks.load import Load, serving
from benchmarks.peers.products import ATTACK, HONEST
from benchmarks.rounds import ratios, turn_about

__all__ = ["PEERS"]

_PROJECT = Path(__file__).parents[2]
_PYTHON = _PROJECT / ".venv-peers" / "bin" / "python"
_PYMERKLE = _PROJECT / ".venv-pymerkle" / "bin" / "python"
_TREE = 20_000
_ROUNDS = 11
_SECONDS = 0.25
_FLASK = "/patients/1"


def _flask_query(effort: int) -> Mapping[str, float]:
    with (
        TemporaryDirectory(prefix="stockade-benchmark-") as folder,
        _worker(Path(folder)) as bare,
        _worker(Path(folder), "--zen") as zen,
    ):
        peer = ratios(turn_about(bare, zen, _ROUNDS * effort)).value
    with guarded_and_bare(_FLASK) as (bare, guarded):
        ours = ratios(turn_about(bare, guarded, _ROUNDS * effort)).value
    hello = {f"{name}, FastAPI hello": figure for name, figure in _fastapi_hello(effort).items()}
    return {"aikido_zen": peer, "stockade, everything on against bare": ours, **hello}


@cache
def _fastapi_hello(effort: int) -> Mapping[str, float]:
    _installed()
    with TemporaryDirectory(prefix="stockade-benchmark-") as name:
        folder = Path(name)
        start = partial(serving, program=(str(_PYTHON), "-m", "benchmarks.peers.fastapi_server"))
        with (
            start(folder / "bare") as bare,
            start(folder / "zen", "--zen") as zen,
            start(folder / "guard", "--guard") as guard,
        ):
            _at_work("the bare application", bare, stops=False)
            subjects = {"aikido_zen": zen, "fastapi_guard": guard}
            found = {}
            for product, load in subjects.items():
                _at_work(product, load, stops=True)
                pairs = turn_about(
                    partial(bare.round, _SECONDS), partial(load.round, _SECONDS), _ROUNDS * effort
                )
                found[product] = ratios(pairs).value
    return found


@cache
def _pymerkle(effort: int) -> tuple[float, float]:
    """Appended entries a second, and microseconds a proof, in a tree in memory."""
    if not _PYMERKLE.exists():
        raise Unmeasured("pymerkle is not installed: make .venv-pymerkle/.ready")
    done = subprocess.run(
        [_PYMERKLE, "-m", "benchmarks.peers.pymerkle_tree", str(_TREE * effort)],
        cwd=_PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    speed, cost = map(float, done.stdout.split())
    return speed, cost


def _pymerkle_appends(effort: int) -> Mapping[str, float]:
    return {
        f"pymerkle, {_TREE * effort} in memory, neither durable nor signed": _pymerkle(effort)[0]
    }


def _pymerkle_proof(effort: int) -> Mapping[str, float]:
    return {f"pymerkle, {_TREE * effort} in memory": _pymerkle(effort)[1]}


PEERS: Mapping[str, Callable[[int], Mapping[str, float]]] = {
    "firewall.flask_query": _flask_query,
    "request.fastapi_hello": _fastapi_hello,
    "watch.audit": _pymerkle_appends,
    "watch.proof": _pymerkle_proof,
}
"""By claim; each raises Unmeasured where the products are not installed or not at work."""


@contextmanager
def _worker(folder: Path, *flags: str) -> Iterator[Cost]:
    _installed()
    with (
        (folder / "worker.log").open("ab") as log,
        subprocess.Popen(
            [_PYTHON, "-m", "benchmarks.peers.flask_worker", folder, _FLASK, *flags],
            cwd=_PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        asked, answers = process.stdin, process.stdout
        _judge(" ".join(flags) or "bare", answers.readline().split(), stops=bool(flags))

        def cost() -> float:
            print(file=asked, flush=True)
            return float(answers.readline())

        yield cost
        asked.close()  # ends it


def _at_work(product: str, load: Load, *, stops: bool) -> None:
    statuses = []
    for value in (HONEST, ATTACK):
        connection = http.client.HTTPConnection("127.0.0.1", load.port, timeout=10)
        with closing(connection):
            connection.request("GET", "/control?" + urlencode({"q": value}))
            statuses.append(str(connection.getresponse().status))
    _judge(product, statuses[::-1], stops=stops)


def _judge(product: str, statuses: list[str], *, stops: bool) -> None:
    attack, honest = statuses or ("?", "?")
    if honest != "200" or (attack == "200") is stops or attack == "?":
        raise Unmeasured(
            f"{product} answered an attack with {attack} and an honest request with {honest}: "
            "it is not what it should be measured as"
        )


def _installed() -> None:
    if not _PYTHON.exists():
        raise Unmeasured("the peers are not installed: make .venv-peers/.ready")
