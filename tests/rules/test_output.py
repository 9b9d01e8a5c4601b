"""What a command writes of a stranger's text: all of it can be read, and a terminal obeys none of it."""

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
