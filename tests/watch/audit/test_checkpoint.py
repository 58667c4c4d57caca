from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.errors import AuditError
from stockade.watch.audit.checkpoint import Checkpoint, number
from stockade.watch.audit.note import Note

# The example of c2sp.org/tlog-checkpoint.
EXAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1"
    "gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


def test_the_published_example() -> None:
    note = Note.parse(EXAMPLE.encode())
    checkpoint = Checkpoint.of(note)
    assert checkpoint[:2] == ("example.com/behind-the-sofa", 20_852_163)
    assert checkpoint.text() == note.text


@pytest.mark.parametrize(
    "text",
    [
        "o\n1\n", "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "o\n1\nAAAA\n",
        "o\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\nextension\n",
        "o\n9223372036854775808\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(AuditError):
        Checkpoint.of(Note(text, ()))


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30),
       st.integers(0, (1 << 63) - 1), st.binary(min_size=32, max_size=32))  # fmt: skip
def test_it_round_trips(origin: str, size: int, root: bytes) -> None:
    checkpoint = Checkpoint(origin, size, root, ("more",))
    assert Checkpoint.of(Note(checkpoint.text(), ())) == checkpoint


@given(st.text(max_size=100))
def test_any_text_is_a_checkpoint_or_refused(text: str) -> None:
    for candidate in (text, f"origin\n{text}", f"origin\n7\n{text}\n"):
        try:
            checkpoint = Checkpoint.of(Note(candidate, ()))
        except AuditError:
            continue
        assert checkpoint.text().removesuffix("\n") == candidate.removesuffix("\n")


@pytest.mark.parametrize("text", ["", "+1", "1 ", "٣", "1_0", "0x1", "9" * 20])
def test_only_plain_decimals_are_numbers(text: str) -> None:
    with pytest.raises(AuditError):
        number(text)
