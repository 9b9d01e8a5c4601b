"""Rows that are taken from records by the order of their columns."""

from types import ModuleType

import pytest

from projections import consents, listed_clients, sessions, users
from projections.joined import named, parts, sizes


@pytest.mark.parametrize("table", [consents, sessions, users])
def test_the_columns_are_the_fields_of_the_row_in_their_order(table: ModuleType):
    assert tuple(table.COLUMNS.split(", ")) == table.Row.__struct_fields__


def test_the_plain_columns_of_a_listed_client_are_the_last_fields_in_their_order():
    plain = listed_clients.PLAIN.split(", ")
    assert listed_clients.Listed.__struct_fields__[-len(plain) :] == tuple(plain)


def test_what_several_tables_have_in_one_record_is_taken_apart_again():
    assert named("t", "one, two") == "t.one, t.two"
    assert list(parts(range(1, 6), sizes("one, two", "three", "four, five"))) == [range(1, 3), range(3, 4), range(4, 6)]
