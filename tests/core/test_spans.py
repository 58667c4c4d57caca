from __future__ import annotations

import os

from stockade.core import spans


def test_a_request_has_the_same_ids_whenever_somebody_asks() -> None:
    assert spans.trace_of("r-1") == spans.trace_of("r-1") != spans.trace_of("r-2")
    assert spans.span_of("r-1") == spans.span_of("r-1") != spans.span_of("r-2")
    assert len(spans.trace_of("r-1")) == 32
    assert len(spans.span_of("r-1")) == 16
    assert int(spans.trace_of("\ud800"), 16)


def test_another_process_has_others() -> None:
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.write(write, spans.trace_of("r-1").encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    with os.fdopen(read) as pipe:
        assert pipe.read() != spans.trace_of("r-1")
