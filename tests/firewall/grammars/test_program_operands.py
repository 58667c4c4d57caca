"""Operands that act: which a value may be, and which not."""

from __future__ import annotations

import pytest

from stockade.core.inputs import Input, Source
from stockade.firewall.grammars.program_operands import acting_operand, operands_at_risk
from tests.growth import growth


def judge(argv: list[str], *values: str) -> int | None:
    found = acting_operand(argv, [Input(Source.QUERY, "q", value) for value in values])
    return None if found is None else found[0]


ACTING = [
    (["dd", "of=x"], ["of=x"], 1),
    (["/bin/dd", "bs=1", "if=/etc/passwd"], ["if=/etc/passwd"], 2),
    (["dd", "of=out"], ["of", "out"], 1),
    (["git", "-c", "core.pager=id", "log"], ["core.pager=id"], 2),
    (["git", "-c", "core.sshCommand=id"], ["id"], 2),
    (["git", "clone", "--config=core.hooksPath=x", "y"], ["core.hooksPath=x"], 2),
    (["git", "-c", "diff.x.textconv=id", "log"], ["diff.x.textconv", "id"], 2),
    (["make", "-s", "SHELL=x"], ["SHELL=x"], 2),
    (["make", "A=$(shell id)"], ["$(shell id)"], 1),
    (["make", "--eval=$(shell id)"], ["$(shell id)"], 1),
    (["tar", "xIf", "id", "x.tar"], ["xIf"], 1),
    (["ssh", "-o", "ProxyCommand=id", "h"], ["ProxyCommand=id"], 2),
    (["ssh", "-p22", "-oProxyCommand id", "h"], ["ProxyCommand id"], 2),
    (["scp", "-o", "PermitLocalCommand=yes"], ["PermitLocalCommand=yes"], 2),
    (["curl", "-d", "@/etc/passwd", "u"], ["@/etc/passwd"], 2),
    (["curl", "-F", "f=@/etc/passwd", "u"], ["@/etc/passwd"], 2),
    (["curl", "-F", "f=</etc/passwd", "u"], ["f=</etc/passwd"], 2),
    (["vim", "-e", "+!id"], ["+!id"], 2),
    (["socat", "-", "EXEC:id"], ["EXEC:id"], 2),
    ([".", "evil"], ["evil"], 1),
    (["source", "a/../evil"], ["../evil"], 1),
]
HONEST = [
    (["dd", "bs=1k"], ["bs=1k"]),
    (["dd", "of=x"], ["x"]),
    (["dd", "of=x"], ["of"]),
    (["cp", "of=x"], ["of=x"]),
    (["git", "-c", "user.name=of=x", "log"], ["of=x"]),
    (["git", "-c", "user.email=a@b.c"], ["user.email=a@b.c"]),
    (["git", "-c", "core.pager=less", "log", "a=b"], ["a=b"]),
    (["git", "log", "--author=alias.x=!y"], ["alias.x=!y"]),
    (["make", "all"], ["all"]),
    (["make", "A=it's (50%) done"], ["it's (50%) done"]),
    (["make", "-C", "a=b"], ["a=c"]),
    (["tar", "cf", "a=b.tar", "I"], ["a=b.tar", "I"]),
    (["tar", "-cf", "xIf", "x"], ["xIf"]),
    (["ssh", "-o", "User=bob", "h"], ["User=bob"]),
    (["ssh", "-oConnectTimeout=5", "h"], ["5"]),
    (["curl", "-d", "text=@bob", "u"], ["@bob"]),
    (["curl", "-d", "a=b", "u"], ["a=b"]),
    (["curl", "-F", "f=@/srv/reports/march.pdf", "u"], ["march.pdf"]),
    (["vim", "+12", "x"], ["+12"]),
    (["date", "+%F"], ["+%F"]),
    ([".", "conf/prod.sh"], ["prod"]),
    ([], ["x"]),
]


@pytest.mark.parametrize(("argv", "values", "place"), ACTING)
def test_an_operand_that_a_value_makes_act(argv: list[str], values: list[str], place: int) -> None:
    assert judge(argv, *values) == place
    assert place in operands_at_risk(argv)


@pytest.mark.parametrize(("argv", "values"), HONEST)
def test_an_operand_that_is_only_text(argv: list[str], values: list[str]) -> None:
    assert judge(argv, *values) is None


@pytest.mark.parametrize("name", ["dd", "make", "git", "ssh", "curl", "tar", "vim", "."])
def test_a_longer_list_takes_time_in_proportion(name: str) -> None:
    def work(size: int) -> None:
        judge([name, *["-c", "a=b", "of=x", "-o"] * size], "a b", "of", "a", "xyz")

    assert growth(work, 1_000) < 8
