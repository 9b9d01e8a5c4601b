"""Refusals that are not events of their own are counted by kind."""

from datetime import UTC, datetime

from events.refusal import RefusalsLeftOut
from service.audit.read_counts import MINUTE
from service.audit.refusal_counts import RefusalCounts
from service.grants.refusal_events import Attempt, Sender

AT = datetime(2026, 3, 3, 14, 2, tzinfo=UTC)
LATER = AT + MINUTE


def test_the_counts_of_a_minute_are_one_event_and_a_failed_record_loses_none():
    counts = RefusalCounts()
    assert counts.take(LATER) is None
    for kind in ("wrong_secret", "throttled", "wrong_secret"):
        counts.count(kind, AT)
    assert counts.take(AT - MINUTE) is None
    taken = counts.take(AT)
    assert taken is not None
    counts.count("wrong_secret", LATER)
    counts.put_back(taken)
    again = counts.take(LATER)
    assert again is not None
    assert again.event(LATER) == RefusalsLeftOut(counts={"throttled": 1, "wrong_secret": 3}, since=AT, at=LATER)
    assert counts.take(LATER) is None


def test_one_client_one_network_and_all_have_limits_and_the_powerful_have_their_own():
    sender = Sender(whose="c", scopes=("clients:write",), address="2001:db8::1")
    noise = Attempt(kind="wrong_secret", sender=sender)
    attack = noise.__replace__(sender=Sender(whose="d", scopes=("operate",), address="2001:db8::2"))
    assert noise.limits == (
        ("refusal wrong_secret c", 10),
        ("refusals wrong_secret from 2001:db8::", 20),
        ("refusals wrong_secret", 100),
    )
    assert not {key for key, _ in noise.limits} & {key for key, _ in attack.limits}
