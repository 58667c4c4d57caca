"""A process that measures Flask requests, a round for each line that it reads.

    .venv-peers/bin/python -m benchmarks.peers.flask_worker FOLDER PATH [--zen]

Its first line is the statuses of an attack and of an honest request; then a cost a line, in
microseconds of CPU.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path

from benchmarks.peers.products import ATTACK, HONEST, weak_query, zen

__all__ = ["main"]


def main() -> None:
    """Say how the control was answered, then measure as often as asked."""
    parser = ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("path")
    parser.add_argument("--zen", action="store_true")
    options = parser.parse_args()
    answers, sys.stdout = sys.stdout, sys.stderr  # Zen writes its log to standard output
    if options.zen:
        zen()
    from flask import request

    from benchmarks.flask_application import application, cost, database

    patients = database(options.folder)
    app = application(patients)

    @app.get("/control")
    def control() -> list[list[object]]:
        return [list(row) for row in weak_query(patients, request.args["q"])]

    client = app.test_client()
    controls = [client.get("/control", query_string={"q": q}) for q in (ATTACK, HONEST)]
    print(*(each.status_code for each in controls), file=answers, flush=True)
    measure = cost(app, options.path)
    for _ in sys.stdin:
        print(measure(), file=answers, flush=True)


if __name__ == "__main__":
    main()
