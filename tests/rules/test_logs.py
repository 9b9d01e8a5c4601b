"""A line of the log: when in UTC, of which request, and nothing in it that a stranger could have a terminal obey."""

import json
import logging
import os
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from service import logs, request_id
from service.values.traceparent import NAME, Trace
from tests.rules.test_traceparent import GOOD, TRACE

PAINTS = "it is fine\x1b[2K\x9b2K\n2026-11-26T00:00:00+00:00 ERROR forged"


def record(message: str, *arguments: object, fault: Exception | None = None) -> logging.LogRecord:
    made = logging.LogRecord("muniment.app", logging.ERROR, __file__, 1, message, arguments, None)
    if fault is not None:
        made.exc_info = (type(fault), fault, None)
    return made


@pytest.fixture
def in_a_request() -> Iterator[str]:
    request_id.begin([(NAME, GOOD.encode())])
    named = str(request_id.this_request())
    yield named
    request_id._current.set(None)


def written(form: str, of: logging.LogRecord) -> str:
    logs.name_request(of)
    return logs.formatter(form).format(of)


def test_a_line_of_json_has_its_time_in_utc_with_the_offset_and_the_request_it_is_about(in_a_request: str):
    line = json.loads(written("json", record("request %s failed", 7, fault=ValueError("why"))))
    assert datetime.fromisoformat(line.pop("time")).utcoffset() == timedelta(0)
    assert line == {
        "level": "ERROR",
        "logger": "muniment.app",
        "message": "request 7 failed",
        "worker": os.getpid(),
        "request_id": in_a_request,
        "trace_id": TRACE,
        "exception": "ValueError: why",
    }


def test_a_line_of_text_has_them_too(in_a_request: str):
    when, rest = written("text", record("it failed")).split(" ", 1)
    assert datetime.fromisoformat(when).utcoffset() == timedelta(0)
    assert rest == f"ERROR muniment.app it failed (request {in_a_request}, trace {TRACE})"


def test_a_line_about_a_recorded_request_names_its_span(in_a_request: str):
    request_id.recorded_as(Trace(trace_id="b" * 32, parent_id="c" * 16, sampled=True, span_id="c" * 16))
    line = json.loads(written("json", record("it failed")))
    assert (line["request_id"], line["trace_id"], line["span_id"]) == (in_a_request, "b" * 32, "c" * 16)


def test_outside_of_a_request_no_request_is_named():
    assert "request" not in written("text", record("it started")) + written("json", record("it started"))
    assert request_id.this_request() != request_id.this_request()


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    "of", [record("%s", PAINTS), record("it failed", fault=ValueError(PAINTS))], ids=["text", "fault"]
)
def test_a_stranger_s_text_neither_paints_a_terminal_nor_begins_a_line(form: str, of: logging.LogRecord):
    text = written(form, of)
    assert not set("\x1b\x9b") & set(text)
    assert [line for line in text.splitlines() if "ERROR forged" in line and line.startswith("2026-11-26T00:00")] == []


@pytest.mark.parametrize(
    ("asked", "terminal", "is_json"),
    [("auto", True, False), ("auto", False, True), ("json", True, True), ("text", False, False)],
)
def test_the_form_is_what_was_asked_for_or_what_reads_stderr(
    monkeypatch: pytest.MonkeyPatch, asked: str, terminal: bool, is_json: bool
):
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    before = {logger: logger.level for logger in (root, *map(logging.getLogger, logs.CHATTY))}
    try:
        logs.set_up("debug", asked)
        (handler,) = root.handlers
        assert handler.format(record("x")).startswith("{") is is_json
    finally:
        for logger, level in before.items():
            logger.setLevel(level)
