"""The messages that push events to a SIEM: verified by the receivers' own library, and the same when they are repeated."""

import json
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from events.codec import Recorded, encode
from service.reactions.audit_push import message_of, signed
from tests.rules.samples import AT, REGISTERED, RENAMED, STREAM
from tests.tables.items import meta

KEY = bytes(range(32))
PAST = [
    Recorded(
        position=position,
        recorded_at=AT,
        stream_id=STREAM,
        version=position - 6,
        type=kind,
        event=event,
        meta_bytes=encode(meta("r1")),
    )
    for position, kind, event in ((7, "client.registered", REGISTERED), (8, "client.display_name_changed", RENAMED))
]


def test_a_receiver_verifies_the_signature_and_reads_the_events_by_their_positions():
    name, body = message_of(PAST)
    request = signed(KEY, name, body, int(time.time()))
    told = Webhook(KEY).verify(request.body, request.headers)
    assert told["type"] == "audit.events"
    assert (told["data"]["first"], told["data"]["last"]) == (7, 8)
    assert [event["position"] for event in told["data"]["events"]] == [7, 8]
    assert request.headers["webhook-id"] == "audit_7_8"


def test_a_changed_body_or_another_key_is_not_verified():
    request = signed(KEY, *message_of(PAST), int(time.time()))
    for key, body in ((KEY, request.body + b" "), (KEY[::-1], request.body)):
        with pytest.raises(WebhookVerificationError):
            Webhook(key).verify(body, request.headers)


def test_a_repeated_batch_has_the_same_id_and_body():
    first, again = (signed(KEY, *message_of(PAST), at) for at in (1_000_000_000, 2_000_000_000))
    assert (first.id, first.body) == (again.id, again.body)
    assert first.signature != again.signature


def test_a_message_has_no_hash_of_a_secret():
    _, body = message_of(PAST)
    assert REGISTERED.secret is not None
    assert REGISTERED.secret.hash not in body.decode()
    assert REGISTERED.secret.hint in json.loads(body)["data"]["events"][0]["data"]["secret"]["hint"]
