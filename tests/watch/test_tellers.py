from __future__ import annotations

import ast

from stockade.core.events import CATALOGUE
from stockade.watch.tellers import APPLICATION, NOBODY, _names, tellers


def test_who_compares_a_name_listens_and_does_not_tell() -> None:
    listens = ast.parse('if event.name == "authz_fail": pass')
    tells = ast.parse('emit("authz_fail", outcome)')
    assert list(_names(listens)) == []
    assert list(_names(tells)) == ["authz_fail"]


def test_the_parts_that_tell_and_those_names_that_nobody_tells_yet() -> None:
    found = tellers()
    assert set(found) == set(CATALOGUE)
    assert found["malicious_sqli"] == ["firewall"]
    assert found["authz_fail"] == ["access", APPLICATION]
    assert found["sensitive_read"] == [APPLICATION]
    reserved = {name for name, parts in found.items() if parts == [NOBODY]}
    assert "malicious_attack_tool" in reserved
    # What a part that exists can tell, it does: only these of the vocabulary wait for theirs.
    waiting = {name for name in reserved if CATALOGUE[name].source != "Stockade"}
    assert waiting <= {"malicious_attack_tool", "malicious_excess_404", "authn_impossible_travel"}
