"""muniment-verify derives the answer about a token from the entries of its bundle, and refuses every other answer."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid5

import pytest
from msgspec import json as msgspec_json

from events.codec import TYPES, UnreadableEvent, decode, encode, type_of
from events.muniment_verify import (
    ADDED,
    SECRETIVE,
    Case,
    Given,
    Keys,
    Report,
    derived,
    differences,
    judge,
    keys_in,
    provenance,
    public,
    read_entry,
    relied_on_by,
    with_added,
)
from service.audit import event_fields
from tests.rules import samples
from tests.rules.provenance_stories import (
    OTHER_STORIES,
    STORIES,
    Story,
    asserted,
    exchanged,
    first_party,
    id_token,
    login,
    long,
    machine,
    of_a_remote_key,
    of_a_workload,
    restored,
)
from tests.rules.samples import AT, DISABLED, EVENTS, SESSION_ID, STREAM
from tests.rules.signed_log import ORIGIN, vkey

KEYS = Keys(
    tuple(key for name in (ORIGIN, f"{ORIGIN}/issuance") for key in keys_in(vkey(name), of_witness=False)), (), 0
)
ODD: tuple[Any, ...] = (None, True, 0, 1.5, "", "x", {}, [], {"position": 1}, [None])
Bundle = dict[str, Any]
Place = Any
"""An object or a list of an answer."""


@pytest.fixture
def verified(tmp_path: Path) -> Callable[[Bundle | bytes], Report]:
    def verify(bundle: Bundle | bytes) -> Report:
        file, case = tmp_path / "why.json", Case(KEYS)
        file.write_bytes(bundle if isinstance(bundle, bytes) else json.dumps(bundle).encode())
        judge(case, [str(file)], [])
        return case.report

    return verify


@pytest.mark.parametrize("story", (STORIES | OTHER_STORIES).values(), ids=STORIES | OTHER_STORIES)
def test_the_service_s_answer_is_proved_by_the_entries_that_it_gives(verified, story):
    report = verified(story().bundle())
    assert (report.status, report.wrong, report.unreadable) == (0, [], [])
    assert any("each field of the answer" in sentence for sentence in report.proved)
    assert any("that nothing else happened" in sentence for sentence in report.unproved)


@pytest.mark.parametrize("story", (STORIES | OTHER_STORIES).values(), ids=STORIES | OTHER_STORIES)
def test_the_answer_is_derived_as_the_service_does_although_the_clock_was_set_back(story):
    told: Story = story()
    assert told.token is not None
    for second in range(len(told.entries) + 2):
        told.token = told.token.__replace__(issued_at=AT + timedelta(seconds=second))
        bundle = told.bundle()
        assert list(differences(bundle["answer"], right_of(bundle))) == []


def right_of(bundle: Bundle) -> Any:
    """Returns the answer that the entries of the bundle prove."""
    given = Given()
    provenance(Case(KEYS), given, "why.json", json.dumps(bundle).encode())
    return derived(relied_on_by(given.bundles[0]))


def test_that_nobody_gave_a_scope_of_a_first_party_client_is_not_proved(verified):
    report = verified(first_party().bundle())
    assert any("who gave the scope openid" in sentence for sentence in report.unproved)


def test_a_long_event_is_proved_by_the_hash_in_its_entry(verified):
    bundle = long().bundle()
    (entry,) = (each for each in bundle["entries"] if "data" in each)
    whole = entry.pop("data")
    missing = verified(bundle)
    assert (missing.status, "only the hash of its data" in missing.unreadable[0].what) == (2, True)
    for other in (b64encode(b64decode(whole).replace(b"xx", b"xy", 1)).decode(), None, "x", ""):
        entry["data"] = other
        assert verified(bundle).status == 1
    del entry["data"]
    bundle["entries"][0]["data"] = ""
    assert verified(bundle).status == 1


def changed_answers(value: Place, path: str = "answer") -> Iterator[str]:
    """Changes each field and each item, one at a time and in place, and undoes it. Yields where each change is."""
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
    for name, each in pairs:
        at = f"{path}.{name}" if isinstance(value, dict) else f"{path}[{name}]"
        others = (None, {}, f"{each}x", *([each + 1, float(each)] if type(each) is int else []))
        for other in (one for one in others if type(one) is not type(each) or one != each):
            value[name] = other
            yield at if not isinstance(other, type(each)) or not isinstance(each, dict | list) else f"{at}*"
        value[name] = each
        if isinstance(each, dict | list):
            yield from changed_answers(each, at)
    yield from _changed_fields(value, path) if isinstance(value, dict) else _changed_items(value, path)


def _changed_fields(value: dict[str, Any], path: str) -> Iterator[str]:
    for name in list(value):
        each = value.pop(name)
        yield f"{path}.{name}"
        value[name] = each
    value["unknown"] = None
    yield f"{path}.unknown"
    del value["unknown"]


def _changed_items(value: list[Any], path: str) -> Iterator[str]:
    items = list(value)
    for other in ([*items, None], [*items, *items[-1:], {}], items[:-1], items[1:], items[::-1]):
        if other != items:
            value[:] = other
            yield f"{path}[*"
            value[:] = items


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_every_field_of_an_answer_that_is_changed_removed_or_added_is_named(story):
    bundle = story().bundle()
    right = right_of(bundle)
    answer, count = bundle["answer"], 0
    for expected in changed_answers(answer):
        named = [path for path, _, _ in differences(answer, right)]
        exact = not expected.endswith("*")
        assert expected in named if exact else any(path.startswith(expected[:-1]) for path in named), (expected, named)
        count += 1
    assert count > 500
    assert list(differences(answer, right)) == []


@pytest.mark.parametrize("answer", ODD, ids=repr)
def test_an_answer_that_is_missing_or_has_another_shape_is_refused(verified, answer):
    report = verified({**machine().bundle(), "answer": answer})
    assert (report.status, report.wrong[0].what.startswith("answer")) == (1, True)


def in_answer(*path: str | int, to: Any) -> Callable[[Bundle], None]:
    def change(bundle: Bundle) -> None:
        value = bundle["answer"]
        for name in path[:-1]:
            value = value[name]
        value[path[-1]] = to(bundle["answer"]) if callable(to) else to

    return change


def operate(answer: Any) -> Any:
    return [*answer["scopes"], {"scope": "operate", "given": [answer["client"]["registered"]]}]


def admin(answer: Any) -> Any:
    return [*answer["scopes"], {"scope": "admin", "given": []}]


def activated(answer: Any) -> Any:
    return answer["signingKey"]["events"][1]


FORGED = [
    *((machine, ("token", name), "x") for name in ("clientId", "secretId", "expiresAt", "address", "authorizationId")),
    *((machine, ("client", name), "x") for name in ("clientId", "owner", "displayName", "version")),
    *((machine, ("secret", name), "x") for name in ("secretId", "name", "hint")),
    *((restored, ("client", name), "alice") for name in ("owner", "displayName", "version")),
    *((restored, ("secret", name), "x") for name in ("secretId", "name", "hint")),
    (restored, ("scopes", 1, "given"), lambda answer: [answer["client"]["registered"]]),
    (restored, ("secret", "revoked"), lambda answer: answer["client"]["registered"]),
    (login, ("secret",), lambda answer: {"secretId": "x"}),
    (restored, ("login",), {"userId": "x"}),
    (login, ("login",), None),
    (login, ("login", "exchanged"), lambda answer: answer["login"]["parents"][0]["exchanged"]),
    (login, ("login", "parents"), []),
    (machine, ("bot", "id"), "bot_x"),
    (machine, ("signingKey", "kid"), "key-2"),
    (machine, ("scopes", 0, "scope"), "operate"),
    (machine, ("scopes",), operate),
    (machine, ("scopes",), admin),
    (machine, ("scopes",), []),
    (machine, ("client", "registered"), activated),
    (machine, ("secret", "added"), activated),
    (machine, ("scopes", 0, "given"), lambda answer: [activated(answer)]),
    (machine, ("stopped",), lambda answer: [activated(answer)]),
    (machine, ("client", "registered", "subject"), "oauth_client_x"),
    (machine, ("bot", "events", 0, "subject"), "bot_x"),
    (login, ("login", "granted", "subject"), "x"),
]


@pytest.mark.parametrize(
    ("story", "path", "to"), FORGED, ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else ""
)
def test_a_forged_answer_is_refused_with_the_field(verified, story, path, to):
    bundle = story().bundle()
    in_answer(*path, to=to)(bundle)
    report = verified(bundle)
    field = "answer" + "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in path)
    assert report.status == 1
    assert any(fault.what.startswith(field) for fault in report.wrong), report.wrong


def kinds(bundle: Bundle) -> list[str]:
    return [read_entry("", b64decode(each["entry"])).says.partition(",")[0] for each in bundle["entries"]]


@pytest.mark.parametrize(
    ("story", "kind", "says"),
    [
        (machine, "client.secret_added", "leaves out version 2 of the stream"),
        (machine, "client.registered", "leaves out version 1 of the stream"),
        (machine, "signing_key.published", "leaves out version 1 of the stream"),
        (machine, "signing_key.activated", "no entries publish and activate the key"),
        (machine, "the token", "the records of 0 tokens"),
        (login, "authorization.granted", "leaves out version 1 of the stream"),
        (login, "consent.withdrawn", "leaves out version 2 of the stream"),
        (login, "session.started", "leaves out version 1 of the stream"),
        (login, "user.registered", "answer.login.registered is not proved"),
        (machine, "bot.registered", "answer.bot.events[0] is an object, but the entries say nothing of it"),
        (restored, "client.restored", "no entry gives the client the secret"),
    ],
)
def test_an_entry_that_is_left_out_is_missed(verified, story, kind, says):
    bundle = story().bundle()
    at = next(at for at, each in enumerate(kinds(bundle)) if each.startswith(kind))
    del bundle["entries"][at]
    report = verified(bundle)
    assert report.status == 1
    assert any(says in fault.what for fault in report.wrong), report.wrong


def test_that_the_newest_entries_are_there_is_not_proved_and_the_sentences_say_so(verified):
    story = restored()
    before = story.bundle()
    story.happened(STREAM, DISABLED)
    assert [event["type"] for event in story.bundle()["answer"]["stopped"]] == ["client.disabled"]
    assert verified(story.bundle()).status == 0
    report = verified(before)
    assert report.status == 0
    assert any("what disabled the client after version 3 of its stream" in sentence for sentence in report.unproved)


def test_entries_that_stand_twice_or_out_of_order_are_refused(verified):
    bundle = machine().bundle()
    entries = bundle["entries"]
    for other in (entries[::-1], [entries[0], *entries], [*entries, entries[-1]]):
        assert verified({**bundle, "entries": other}).status == 1


def test_a_bundle_of_two_logs_is_refused(verified):
    bundle = machine().bundle()
    bundle["checkpoints"].reverse()
    assert verified(bundle).status == 1
    bundle["checkpoints"] = bundle["checkpoints"][:1]
    assert verified(bundle).status == 1


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_a_bundle_with_a_bit_that_is_not_as_it_was_is_refused(verified, story):
    content, random = json.dumps(story().bundle()).encode(), Random(9)
    for _ in range(50):
        at, bit = random.randrange(len(content)), random.randrange(8)
        flipped = content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]
        assert verified(flipped).status == 1, (content[at - 20 : at + 20], flipped[at - 20 : at + 20])


# What the service shows of events.


def fewer(stored: Any) -> Iterator[Any]:
    """Returns what is stored, and what is left of it without each of its fields, as earlier versions may have stored it."""
    yield stored
    pairs = list(stored.items() if isinstance(stored, dict) else enumerate(stored) if isinstance(stored, list) else ())
    for name, each in pairs:
        if isinstance(stored, dict):
            yield {key: value for key, value in stored.items() if key != name}
        for other in fewer(each):
            copy = deepcopy(stored)
            copy[name] = other
            yield copy


SHOWN = sorted(
    kind
    for kind in TYPES
    if kind.partition(".")[0]
    in {
        "client",
        "bot",
        "signing_key",
        "access_token",
        "session",
        "consent",
        "authorization",
        "exchange",
        "trusted_issuer",
    }
)


@pytest.mark.parametrize("kind", [*SHOWN, "user.registered"])
def test_every_stored_form_of_an_event_is_shown_as_the_service_shows_it(kind):
    for event in (each for each in EVENTS if type_of(each) == kind):
        for stored in fewer(msgspec_json.decode(encode(event))):
            try:
                shown = event_fields.fields(decode(kind, 1, msgspec_json.encode(stored)))
            except UnreadableEvent:
                continue
            assert public(with_added(stored, ADDED.get(kind, {}))) == json.loads(msgspec_json.encode(shown))


def test_what_is_not_shown_is_the_same_for_the_service_and_the_verifier():
    assert SECRETIVE == event_fields.SECRETIVE


# The chain of an exchanged token.


@pytest.mark.parametrize(
    ("story", "kind", "status", "says"),
    [
        (exchanged, "exchange.made", 2, "no entry is the exchange that made the token"),
        (exchanged, "the token", 2, "no entry is the record of the token"),
        (exchanged, "session.started", 1, "leaves out version 1 of the stream"),
        (id_token, "exchange.made", 2, "no entry is the exchange that made the token"),
        (id_token, "session.", 2, "no entry is the record of the token"),
        (asserted, "trusted_issuer.registered", 1, "leaves out version 1 of the stream"),
        (asserted, "trusted_issuer.", 1, "no entry is the registration of the trusted issuer"),
    ],
)
def test_a_link_of_the_chain_that_is_left_out_is_missed(verified, story, kind, status, says):
    bundle = story().bundle()
    named = [at for at, each in enumerate(kinds(bundle)) if each.startswith(kind)]
    left_out = named if kind.endswith(".") else named[1:2] if kind == "exchange.made" and len(named) > 1 else named[:1]
    bundle["entries"] = [each for at, each in enumerate(bundle["entries"]) if at not in left_out]
    report = verified(bundle)
    assert report.status == status
    assert any(says in fault.what for fault in (*report.wrong, *report.unreadable)), (report.wrong, report.unreadable)


@pytest.mark.parametrize("field", ["subject_client", "client_id", "sub", "actor", "scope", "kind"])
def test_an_exchange_that_is_not_of_the_token_s_record_proves_nothing(verified, field):
    story = exchanged()
    assert story.exchange is not None
    link: Any = story.past[story.exchange][-1].event
    story.happened(story.exchange, link.__replace__(**{field: "id_jag" if field == "kind" else "another"}))
    story.past[story.exchange].pop(1)  # the right one
    report = verified(story.bundle())
    assert report.status == 1
    assert any("says another" in fault.what for fault in report.wrong), report.wrong


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sub": "alice"}, "says another sub"),
        ({"authorization": None}, "says another authorization"),
        ({"exp": 2_000_000_001}, "expires later"),
        ({"scope": "crm:read operate"}, "says another scope"),
        ({"subject_token": SESSION_ID}, "no entry is the exchange"),
    ],
)
def test_a_token_that_has_more_than_the_one_it_was_exchanged_from_is_not_proved(verified, change, says):
    story = exchanged()
    assert story.token is not None
    token: Any = story.token.token
    story.token = story.token.__replace__(token=token.__replace__(**change))
    report = verified(story.bundle())
    faults = [fault.what for fault in (*report.wrong, *report.unreadable)]
    assert report.status != 0
    assert any(says in fault or "not of one and those" in fault for fault in faults), faults


@pytest.mark.parametrize("path", [("token", "clientId"), ("login", "userId"), ("scopes",), ("stopped",)])
def test_a_forged_answer_about_a_token_of_the_chain_is_refused_with_the_field(verified, path):
    bundle = exchanged().bundle()
    assert len(bundle["before"]) == 2
    value = bundle["before"][1]
    for name in path[:-1]:
        value = value[name]
    value[path[-1]] = "x"
    report = verified(bundle)
    assert any(fault.what.startswith("before[1]." + ".".join(path)) for fault in report.wrong), report.wrong
    del bundle["before"]
    assert verified(bundle).status == 1
    assert verified({**machine().bundle(), "before": [{}]}).status == 1


def test_the_chain_leads_to_the_person_and_what_stopped_a_token_of_it_stopped_the_last(verified):
    answer = exchanged().bundle()["answer"]
    assert [each["exchanged"]["data"]["actor"] for each in answer["exchangedFrom"]] == ["tool", "agent"]
    assert answer["login"]["userId"] == str(samples.PERSON)
    assert [each["type"] for each in answer["stopped"]] == ["authorization.revoked", "client.disabled"]
    said = " ".join(verified(exchanged().bundle()).proved)
    assert said.count("it was exchanged from the token") == 2
    asserted_by = asserted().bundle()["answer"]["login"]["assertedBy"]
    assert (asserted_by["issuer"], len(asserted_by["events"])) == ("https://idp.example.com", 2)


def test_the_answer_names_the_workload_identity_or_the_remote_key_and_the_event_that_it_follows_from():
    workload = of_a_workload().bundle()["answer"]["workloadIdentity"]
    assert (workload["issuer"], workload["subject"], workload["audience"]) == ("https://ci.example", "a:ä", "us")
    assert (workload["added"]["version"], workload["removed"]["version"]) == (4, 5)
    key = of_a_remote_key().bundle()["answer"]["remoteKey"]
    assert (key["thumbprint"], key["jwksUri"]) == ("thumbprint", "https://app.example.com/jwks")
    assert key["named"]["version"] == 3
    assert of_a_workload().bundle()["answer"]["secret"] is None


def test_a_thumbprint_that_is_not_that_of_the_id_in_the_record_is_refused(verified):
    story = of_a_remote_key()
    assert story.token is not None
    story.issued(uuid5(STREAM, "another"), story.token.token)
    report = verified(story.bundle())
    assert "is of another key" in str(report.wrong)
