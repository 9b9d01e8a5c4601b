"""A spreadsheet computes nothing of a table, whatever separates its cells."""

import csv
import io
import json

import pytest

from service.audit.cells import json_cell, line


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("-1", "'-1"),
        (" =1+1", " '=1+1"),
        (";=1+1", ";'=1+1"),
        ("a;@SUM(1)", "a;'@SUM(1)"),
        ('"=1+1', "\"'=1+1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("\t=1", "\\t=1"),
        ("2026-03-03 a=b, c", "2026-03-03 a=b, c"),
    ],
)
def test_what_would_be_a_formula_is_text(cell: str, shown: str):
    assert next(csv.reader(io.StringIO(line([cell])))) == [shown]


def test_json_stays_the_same_json_and_has_no_formula():
    data = {"name": "=1+1", "more": ["a;-2", '"@x', "b"]}
    (cell,) = next(csv.reader(io.StringIO(line([json_cell(json.dumps(data))]))))
    assert json.loads(cell) == data
    assert not {'"=', ";-", '"@'} & {cell[n : n + 2] for n in range(len(cell))}
