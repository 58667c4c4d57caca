from __future__ import annotations

from types import SimpleNamespace

from stockade.watch.silence.hook import Hook


def test_what_was_replaced_comes_back() -> None:
    owner = SimpleNamespace(say=lambda: "theirs")
    before = owner.say
    hook = Hook(owner, "say", lambda said: lambda: "ours, " + said())
    assert owner.say() == "ours, theirs"
    hook.undo()
    assert owner.say is before


def test_who_came_later_stays() -> None:
    owner = SimpleNamespace(say=lambda: "theirs")
    hook = Hook(owner, "say", lambda said: lambda: "ours, " + said())
    ours = owner.say
    owner.say = lambda: "later, " + ours()
    hook.undo()
    assert owner.say() == "later, ours, theirs"


def test_an_inherited_method_is_inherited_again() -> None:
    class Base:
        def say(self) -> str:
            return "base"

    class Loop(Base):
        pass

    hook = Hook(Loop, "say", lambda said: lambda self: "ours, " + said(self))
    assert Loop().say() == "ours, base"
    hook.undo()
    assert "say" not in vars(Loop)
    assert Loop().say() == "base"
