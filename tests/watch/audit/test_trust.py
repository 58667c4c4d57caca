from __future__ import annotations

import pytest

from stockade.core.errors import AuditError
from stockade.core.events import encode_line
from stockade.crypto import Keyring
from stockade.watch.audit import markers
from stockade.watch.audit.checkpoint import Checkpoint
from stockade.watch.audit.markers import Marker, marker
from stockade.watch.audit.note import Note, Signature, VerifierKey
from stockade.watch.audit.trust import KeyChain

ORIGIN = "clinic.example/audit"


@pytest.fixture
def keys() -> tuple[Keyring, list[VerifierKey]]:
    """A keyring, and its keys from the oldest to the newest."""
    keyring = Keyring.ephemeral()
    for _ in range(2):
        keyring.rotate("sign")
    new, *old = keyring.log_signer(ORIGIN).public_keys()
    return keyring, [VerifierKey(ORIGIN, public) for public in (*old, new)]


def changed(before: VerifierKey, key: VerifierKey) -> Marker:
    """A change for which `before` vouches, whatever its standing."""
    return Marker("audit_key_changed", key, vouched=True, before=before)


def chain_of(*said: Marker) -> tuple[KeyChain, list[str]]:
    chain, found = KeyChain(), []
    for index, one in enumerate(said):
        found += [str(finding) for finding in chain.take(index * 10, one)]
    return chain, found


def signed(keyring: Keyring, key: VerifierKey, size: int) -> tuple[Note, Checkpoint]:
    checkpoint = Checkpoint(ORIGIN, size, bytes(32))
    data = keyring.log_signer(ORIGIN).sign(checkpoint.text().encode(), key.public)
    return Note(checkpoint.text(), (Signature(ORIGIN, key.key_id, data),)), checkpoint


def test_what_the_log_says_of_itself_is_read_back(keys: tuple[Keyring, list[VerifierKey]]) -> None:
    keyring, (first, second, _) = keys
    signer = keyring.log_signer(ORIGIN)
    said = [
        markers.opened(first), markers.key_changed(first, second, signer), markers.pruned(7, second)
    ]  # fmt: skip
    assert [marker(encode_line(event)[:-1]) for event in said] == [
        Marker("audit_opened", first),
        Marker("audit_key_changed", second, vouched=True, before=first),
        Marker("audit_pruned", second, minimum=7),
    ]


def test_a_change_is_vouched_for_by_the_key_before_it_alone(
    keys: tuple[Keyring, list[VerifierKey]],
) -> None:
    keyring, (first, second, third) = keys
    event = markers.key_changed(first, second, keyring.log_signer(ORIGIN))
    for before, after in ((first, third), (second, third), (third, second)):
        event.details |= {"before": str(before), "vkey": str(after)}
        found = marker(encode_line(event)[:-1])
        assert found is not None
        assert not found.vouched


@pytest.mark.parametrize(
    "entry",
    [
        b"", b'{"name":"audit_opened"', b'{"name":"audit_opened"}', b'text "name":"audit_opened"',
        encode_line(markers.opened(VerifierKey(ORIGIN, bytes(32)))).replace(b'"watch"', b'"app"'),
    ],
)  # fmt: skip
def test_an_entry_that_only_looks_like_a_marker_is_none(entry: bytes) -> None:
    assert marker(entry) is None


def test_a_marker_without_a_key_is_refused() -> None:
    line = encode_line(markers.opened(VerifierKey(ORIGIN, bytes(32))))
    with pytest.raises(AuditError, match="verifier key"):
        marker(line.replace(b"+", b"-"))


def test_each_key_counts_from_its_entry_to_the_next(
    keys: tuple[Keyring, list[VerifierKey]],
) -> None:
    keyring, (first, second, third) = keys
    chain, found = chain_of(
        Marker("audit_opened", first),
        changed(first, second),
        changed(first, second),  # said twice after a crash
        changed(second, third),
    )
    assert found == []
    assert [epoch.start for epoch in chain.epochs] == [0, 10, 30]
    for key, sizes in ((first, (1, 10)), (second, (11, 30)), (third, (31, 99))):
        for size in sizes:
            assert list(chain.signed(*signed(keyring, key, size), (), "it")) == []
    for key, size in ((first, 11), (second, 31), (third, 30), (second, 10)):
        assert list(chain.signed(*signed(keyring, key, size), (), "it")), (key, size)
    assert list(chain.trusts(50, [first])) == []
    assert list(chain.trusts(5, [third])) != []


def test_strange_chains_are_findings(keys: tuple[Keyring, list[VerifierKey]]) -> None:
    _, (first, second, _) = keys
    assert chain_of(Marker("audit_opened", first), Marker("audit_opened", second))[1]
    assert chain_of(Marker("audit_opened", first), Marker("audit_pruned", second))[1]
    assert chain_of(Marker("audit_opened", first), Marker("audit_opened", first))[1] == []


def test_only_the_key_in_force_can_vouch_for_another(
    keys: tuple[Keyring, list[VerifierKey]],
) -> None:
    _, (first, second, third) = keys
    opened = Marker("audit_opened", first)
    strangers = VerifierKey(ORIGIN, bytes(32)), VerifierKey(ORIGIN, bytes([1]) * 32)
    honest, _ = chain_of(opened, changed(first, second), changed(second, third))
    assert list(honest.trusts(99, [first])) == []
    for said in (
        [opened, changed(*strangers)],
        [opened, changed(first, second), changed(first, third)],  # a key that was replaced
        [opened, changed(first, VerifierKey("another.example/log", second.public))],
        [opened, changed(first, second), Marker("audit_pruned", third)],
    ):
        chain, _ = chain_of(*said)
        for trusted in ([], [first], [first, chain.epochs[-1].key]):
            assert any("not vouched" in str(one) for one in chain.trusts(99, trusted)), said
        assert list(chain.trusts(99, [chain.epochs[-1].key])) == []  # its owner may say so


def test_a_replaced_key_does_not_come_back_unasked(
    keys: tuple[Keyring, list[VerifierKey]],
) -> None:
    _, (first, second, _) = keys
    back = Marker("audit_key_changed", first, before=second)
    chain, _ = chain_of(Marker("audit_opened", first), changed(first, second), back)
    assert list(chain.trusts(99, [first, second]))
    assert list(chain.trusts(99, [first])) == []
    vouched, _ = chain_of(
        Marker("audit_opened", first), changed(first, second), changed(second, first)
    )
    assert list(vouched.trusts(99, [first, second])) == []


def test_a_log_begins_by_naming_its_key_or_what_did_was_removed(
    keys: tuple[Keyring, list[VerifierKey]],
) -> None:
    _, (first, second, _) = keys
    for marker_, known in (
        (Marker("audit_opened", first), [first]), (Marker("audit_pruned", first), [first]),
        (changed(first, second), [first, second]),
    ):  # fmt: skip
        chain, found = chain_of(marker_)
        assert found == []
        assert [epoch.key for epoch in chain.epochs] == known
        assert list(chain.begins(256)) == []
        assert bool(list(chain.begins(0))) == (marker_.name != "audit_opened")


def test_a_key_of_another_name_signs_nothing(keys: tuple[Keyring, list[VerifierKey]]) -> None:
    keyring, (first, *_) = keys
    chain, _ = chain_of(Marker("audit_opened", first))
    text = Checkpoint("another.example/log", 5, bytes(32)).text()
    data = keyring.log_signer(ORIGIN).sign(text.encode(), first.public)
    note = Note(text, (Signature(ORIGIN, first.key_id, data),))
    assert list(chain.signed(note, Checkpoint.of(note), [first], "it"))


def test_a_witness_key_is_no_key_of_a_log() -> None:
    line = encode_line(markers.opened(VerifierKey(ORIGIN, bytes(32), 4)))
    with pytest.raises(AuditError, match="a witness's key"):
        marker(line)


def test_an_entry_nested_without_end_is_no_marker() -> None:
    deep = b'{"name":"audit_opened","details":{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}}"
    assert marker(deep) is None
