"""What a command writes of a stranger's text: all of it can be read, and a terminal obeys none of it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from msgspec import json

from service.cli import output

PAINTS = "\x1b[2K \x7f \x9b31m \u202etxt.exe \U000e0041 \u2028 ordinary: é 日本 👩"


@pytest.mark.parametrize("text", [PAINTS, *PAINTS.split()])
def test_json_keeps_its_value_and_holds_nothing_that_a_terminal_obeys(text: str):
    written = output.shown(json.format(json.encode({"name": text, text: 1}), indent=2))
    assert written.decode().replace("\n", "").isprintable()
    assert json.decode(written) == {"name": text, text: 1}


@pytest.mark.parametrize("write", [output.say, output.note])
def test_a_sentence_holds_nothing_that_a_terminal_obeys(write: object, capsys: pytest.CaptureFixture[str]):
    assert callable(write)
    write(f"{PAINTS}\n{PAINTS}")
    written = capsys.readouterr()
    lines = (written.out + written.err).splitlines()
    assert len(lines) == 2
    assert all(line.isprintable() and "👩" in line for line in lines)


ID, NAME = "oauth_client_" + "0" * 32, "Salesforce Production Integration"
COLUMNS = ("client_id", "name", "state", "last used")
ROW = (ID, NAME, "disabled", "2026-03-03 14:02:00Z")


@pytest.mark.parametrize("available", [40, 60, 80, 90, 100, 120, 200])
def test_a_table_breaks_no_word_however_narrow_the_terminal_is(available: int):
    written = output.laid_out(COLUMNS, [ROW, ROW], available)
    assert [word for word in " ".join(ROW).split() if written.split().count(word) != 2] == []
    if available > max(map(len, ROW)) + len("client_id  "):
        assert max(map(len, written.splitlines())) <= available


def test_a_row_is_a_line_where_there_is_room_and_goes_on_below_where_there_is_less():
    heights = [output.laid_out(COLUMNS, [ROW], available).count("\n") for available in (200, 80)]
    assert heights == [3, 5]


def test_where_a_row_does_not_fit_its_id_has_a_line_of_its_own_and_where_that_does_not_it_is_a_paragraph():
    row = (ID, "CRM", "disabled", "2026-03-03 14:02:00Z")
    assert output.laid_out(COLUMNS, [row, row], 60).splitlines() == [
        "client_id",
        "  name  state     last used",
        "-" * len(ID),
        *(ID, "  CRM   disabled  2026-03-03 14:02:00Z") * 2,
    ]
    assert output.laid_out(COLUMNS, [row], 40).splitlines()[2] == "state      disabled"
    assert output.laid_out(("jti", *COLUMNS), [(ID[13:], *row)], 50).splitlines()[-3:] == [
        ID[13:],
        f"  {ID}",
        "  CRM   disabled  2026-03-03 14:02:00Z",
    ]


@pytest.mark.parametrize(("columns", "lines"), [("60", 6), ("9000", 3), ("", 3), ("x", 3), ("-1", 3)])
def test_a_pipe_is_as_wide_as_columns_says(
    columns: str, lines: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("COLUMNS", columns)
    output.table(COLUMNS, [ROW])
    assert capsys.readouterr().out.count("\n") == lines


def test_letters_that_take_two_columns_are_counted_so():
    first, _, second = output.laid_out(("a", "b"), [("日本", "x")], 80).splitlines()
    assert (first, second) == ("a     b", "日本  x")


@pytest.mark.parametrize(
    ("whole", "least", "available", "widths"),
    [
        ((10, 20), (5, 5), 30, [10, 20]),
        ((10, 20), (5, 5), 20, [10, 10]),
        ((10, 20), (5, 5), 11, [6, 5]),
        ((10, 20), (5, 5), 9, None),
        ((3,), (3,), 3, [3]),
    ],
)
def test_the_column_that_has_most_to_give_gives_first(
    whole: tuple[int, ...], least: tuple[int, ...], available: int, widths: list[int] | None
):
    assert output.fitted(whole, least, available) == widths


def test_a_time_that_has_no_year_in_utc_is_shown_with_its_own_offset():
    west = timezone(-timedelta(hours=12))
    assert output.moment(datetime(9999, 12, 31, 23, 59, 59, tzinfo=west)) == "9999-12-31 23:59:59-12:00"
    assert output.moment(datetime(2027, 1, 31, 12, tzinfo=west)) == output.moment(datetime(2027, 2, 1, tzinfo=UTC))
