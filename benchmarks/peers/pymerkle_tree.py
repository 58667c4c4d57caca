"""pymerkle's tree in memory, in an environment of its own: `python -m … ENTRIES`.

Prints two numbers: entries appended a second, and microseconds of CPU an inclusion proof. It keeps
no entry durable and signs nothing.
"""

from __future__ import annotations

import random
import sys
import time
from importlib import import_module

_PROOFS = 100


def main(size: int) -> None:
    tree = import_module("pymerkle").InmemoryTree(algorithm="sha256")
    entries = [b"entry %d" % number for number in range(size)]
    started = time.process_time()
    for entry in entries:
        tree.append_entry(entry)
    speed = size / (time.process_time() - started)
    chance = random.Random(6962)
    started = time.process_time()
    for index in chance.sample(range(1, size + 1), _PROOFS):
        tree.prove_inclusion(index)
    print(speed, (time.process_time() - started) / _PROOFS * 1e6)


if __name__ == "__main__":
    main(int(sys.argv[1]))
