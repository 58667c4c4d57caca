"""Honest values that look odd: a defence that refuses one of these refuses a person."""

from __future__ import annotations

__all__ = ["HONEST"]

HONEST = (
    "Notebook",
    "O'Brien",
    "Zoë Müller-Łukasz",
    "select * from the menu",
    "50% off; a/b testing",
    "a/b testing",
    "C:\\Users\\ann\\notes.txt",
    "ann.o'neil+news@example.org",
    '{"name": "Tea", "price": 4}',
    "rm -rf is a command",
    "use ../ to go up",
    "Tom & Jerry | the best of",
    "1 or 2 -- maybe 3",
    "union members or 1=1 t-shirts",
    "日本語 テスト",
    "$5.00 (about £4)",
    "-12.50",
    "10 < 12",
)
