"""The bytes of an event, for ever."""

from pathlib import Path
from typing import Any, get_args

import pytest
from msgspec import Struct, json

from events import codec
from events.client import ClientDisabled, ClientDisplayNameChanged
from events.codec import TYPES, UnreadableEvent, decode, decode_all, encode, noun, schema_version, tags, type_of
from events.envelope import ByClient, ByOperator, ByService, ByUser, Meta
from tests.rules.samples import EVENTS, PERSON, RENAMED, SESSION_ID

GOLDEN = Path(__file__).parents[1] / "log.jsonl"


class Line(Struct, frozen=True):
    """The first stored form of a type; `data` and `meta` are the stored bytes, which are UTF-8, as a JSON string."""

    type: str
    schema_ver: int
    data: str
    meta: str


def is_deletion(event: type[Struct]) -> bool:
    return all(tag.endswith(".deleted") for tag in tags(event))


LINES = [json.decode(line, type=Line) for line in GOLDEN.read_bytes().splitlines()]


@pytest.mark.parametrize("event", EVENTS, ids=type_of)
def test_an_event_is_read_back_from_its_bytes(event):
    assert decode(type_of(event), schema_version(type_of(event)), encode(event)) == event


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.type} {line.schema_ver}")
def test_what_was_stored_first_is_read_for_ever(line):
    event = decode(line.type, line.schema_ver, line.data.encode())
    assert type_of(event) == line.type
    assert json.decode(line.meta.encode(), type=Meta).request_id


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.type} {line.schema_ver}")
def test_a_stored_event_of_the_present_schema_is_written_to_the_same_bytes(line):
    data, meta = line.data.encode(), line.meta.encode()
    assert encode(json.decode(meta, type=Meta)) == meta
    if line.schema_ver == schema_version(line.type):
        assert encode(decode(line.type, line.schema_ver, data)) == data


def test_every_schema_version_of_every_type_has_a_line_and_none_has_been_lost():
    assert {(line.type, line.schema_ver) for line in LINES} == {
        (t, v) for t in TYPES for v in range(1, schema_version(t) + 1)
    }


EVERY: tuple[type[Struct], ...] = get_args(codec.Event)
OWNED = {noun(event) for event in EVERY if "owner" in event.__struct_fields__ and not is_deletion(event)}
DELETIONS = [event for event in EVERY if is_deletion(event) and noun(event) in OWNED]


@pytest.mark.parametrize("deletion", DELETIONS, ids=noun)
def test_the_deletion_of_what_has_an_owner_names_the_owner(deletion):
    """The rule stands in events/codec.py."""
    assert "owner" in deletion.__struct_fields__


@pytest.mark.parametrize("deletion", DELETIONS, ids=noun)
def test_a_deletion_from_before_deletions_named_the_owner_keeps_its_bytes(deletion):
    [kind] = tags(deletion)
    stored = b'{"type":"' + kind.encode() + b'"}'
    assert encode(decode(kind, 1, stored)) == stored


def test_every_older_schema_version_has_its_upcaster():
    assert set(codec.UPCASTERS) == {(t, v) for t in TYPES for v in range(1, schema_version(t))}
    assert set(codec.SCHEMA_VERSION) <= TYPES


@pytest.mark.parametrize(
    ("kind", "version", "data"),
    [
        pytest.param("client.exploded", 1, b'{"type":"client.exploded"}', id="an unknown type"),
        pytest.param("ClientDisabled", 1, encode(ClientDisabled()), id="a class's name"),
        pytest.param("client.disabled", 2, encode(ClientDisabled()), id="a later version"),
        pytest.param("client.disabled", 0, encode(ClientDisabled()), id="version 0"),
        pytest.param("client.disabled", -1, encode(ClientDisabled()), id="a negative version"),
        pytest.param("client.enabled", 1, encode(ClientDisabled()), id="bytes of another type"),
        pytest.param(
            "client.display_name_changed", 1, encode(ClientDisabled()), id="bytes of another type, with other fields"
        ),
        pytest.param("client.disabled", 1, b'{"type":"client.exploded"}', id="bytes of an unknown type"),
        pytest.param(
            "client.display_name_changed", 1, b'{"type":"client.display_name_changed"}', id="a field left out"
        ),
        pytest.param("client.disabled", 1, b"{}", id="no type in the bytes"),
        pytest.param("client.disabled", 1, b"[]", id="a list"),
        pytest.param("client.disabled", 1, b"", id="no bytes"),
        pytest.param("client.disabled", 1, b"not JSON", id="no JSON"),
        pytest.param("client.disabled", 1, encode(ClientDisabled())[:-1], id="bytes cut short"),
        pytest.param(
            "client.display_name_changed", 1, encode(RENAMED).replace(b"CRM", b"\xff\xfe\xfd", 1), id="no UTF-8"
        ),
    ],
)
def test_what_cannot_be_read_is_a_loud_stop(kind, version, data):
    with pytest.raises(UnreadableEvent):
        decode(kind, version, data)


def test_many_are_read_as_each_is():
    stored = [encode(RENAMED), encode(ClientDisabled())]
    assert decode_all(["client.display_name_changed", "client.disabled"], [1, 1], stored) == [RENAMED, ClientDisabled()]
    assert decode_all([], [], []) == []


@pytest.mark.parametrize(
    ("kind", "version", "data"),
    [
        pytest.param("client.enabled", 1, encode(ClientDisabled()), id="another type"),
        pytest.param("client.disabled", 2, encode(ClientDisabled()), id="an unknown version"),
        pytest.param("client.disabled", 1, b"not JSON", id="no JSON"),
    ],
)
def test_one_of_many_that_cannot_be_read_is_a_loud_stop_that_names_it(kind, version, data):
    with pytest.raises(UnreadableEvent, match=kind):
        decode_all(["client.display_name_changed", kind], [1, version], [encode(RENAMED), data])


def test_a_field_that_a_later_minor_version_added_does_not_stop_an_older_one():
    assert decode("client.disabled", 1, b'{"type":"client.disabled","reason":"unpaid"}') == ClientDisabled()


def test_an_older_event_is_brought_up_version_by_version(monkeypatch):
    def named(stored: dict[str, Any]) -> dict[str, Any]:
        return {**stored, "display_name": stored["name"]}

    def with_was(stored: dict[str, Any]) -> dict[str, Any]:
        return {**stored, "was": "unknown"}

    kind = "client.display_name_changed"
    monkeypatch.setitem(codec.SCHEMA_VERSION, kind, 3)
    monkeypatch.setitem(codec.UPCASTERS, (kind, 1), named)
    monkeypatch.setitem(codec.UPCASTERS, (kind, 2), with_was)
    expected = ClientDisplayNameChanged(display_name="CRM", was="unknown")
    assert decode(kind, 1, b'{"type":"client.display_name_changed","name":"CRM"}') == expected
    assert decode(kind, 2, b'{"type":"client.display_name_changed","display_name":"CRM"}') == expected
    assert decode(kind, 3, encode(RENAMED)) == RENAMED
    first = b'{"type":"client.display_name_changed","name":"CRM"}'
    assert decode_all([kind, kind], [1, 3], [first, encode(RENAMED)]) == [expected, RENAMED]
    assert decode_all([kind], [1], [first]) == [expected]
    with pytest.raises(UnreadableEvent):
        decode(kind, 4, encode(RENAMED))


def test_an_upcaster_that_makes_something_else_of_it_is_a_loud_stop(monkeypatch):
    monkeypatch.setitem(codec.SCHEMA_VERSION, "client.enabled", 2)
    monkeypatch.setitem(codec.UPCASTERS, ("client.enabled", 1), lambda _: {"type": "client.disabled"})
    with pytest.raises(UnreadableEvent):
        decode("client.enabled", 1, b'{"type":"client.enabled"}')


@pytest.mark.parametrize(
    "actor",
    [
        ByClient(client_id="c", sub="s"),
        ByUser(user_id=PERSON, session=SESSION_ID),
        ByOperator(user="root"),
        ByService(why="first run"),
    ],
    ids=lambda a: type(a).__name__,
)
def test_who_did_it_is_read_back(actor):
    meta = Meta(actor=actor, request_id="r", cause=7, address="192.0.2.1")
    assert json.decode(encode(meta), type=Meta) == meta
