"""The header `traceparent` names a trace only if it has the form of W3C Trace Context."""

import pytest

from service.values.traceparent import LENGTH, Trace, parse, read

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{PARENT}-01"


def test_a_trace_is_read_and_written_in_the_same_form():
    trace = parse(GOOD)
    assert trace == Trace(trace_id=TRACE, parent_id=PARENT, sampled=True)
    assert trace is not None
    assert trace.header == GOOD
    assert len(GOOD) == LENGTH


@pytest.mark.parametrize(("flags", "sampled"), [("00", False), ("01", True), ("02", False), ("03", True), ("ff", True)])
def test_of_the_flags_only_the_last_bit_is_read(flags: str, sampled: bool):
    trace = parse(f"00-{TRACE}-{PARENT}-{flags}")
    assert trace is not None
    assert trace.sampled is sampled


@pytest.mark.parametrize("text", [f"01-{TRACE}-{PARENT}-01", f"cc-{TRACE}-{PARENT}-01-what-a-later-version-adds"])
def test_a_later_version_is_read_as_far_as_we_know_it(text: str):
    assert parse(text) == parse(GOOD)


MALFORMED = {
    "empty": "",
    "no trace": f"00-{'0' * 32}-{PARENT}-01",
    "no parent": f"00-{TRACE}-{'0' * 16}-01",
    "capital letters": GOOD.upper(),
    "version ff": f"ff-{TRACE}-{PARENT}-01",
    "version 00 with more": f"{GOOD}-more",
    "a later version with other letters": f"01-{TRACE}-{PARENT}-01.more",
    "short": GOOD[:-1],
    "a blank before": f" {GOOD}",
    "a line after": f"{GOOD}\n",
    "other digits": GOOD.replace("4bf9", "4b\u0669\u0669"),
    "markup": f"00-{'<' * 32}-{PARENT}-01",
    "very long": "0" * 60_000,
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_one_names_no_trace(text: str):
    assert parse(text) is None


def test_one_that_is_there_twice_names_no_trace():
    header = (b"traceparent", GOOD.encode())
    assert read([(b"host", b"x"), header]) == parse(GOOD)
    assert read([header, header]) is None
    assert read([]) is None
