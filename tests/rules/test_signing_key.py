"""What may be asked of a signing key, and what comes of asking; and which of several keys signs."""

from datetime import timedelta

import pytest

from events.signing_key import ActiveKey, PublishedKey, RetiredKey, UnknownKey, evolve
from projections import signing_keys
from service.commands.handle import SIGNING_KEY
from service.commands.signing_key import ActivateKey, PublishKey, RetireKey
from service.crypto.credentials import new_id
from service.refusals import Contradiction, DoesNotExist
from tests.rules.samples import ACTIVATED, AT, JWK, LATER, PUBLISHED, RETIRED
from tests.rules.table import outcome, rule

PUBLISH, ACTIVATE, RETIRE = (
    PublishKey(kid="key-1", alg="ES256", public_jwk=JWK, at=AT),
    ActivateKey(at=AT),
    RetireKey(at=LATER),
)


@pytest.mark.parametrize(
    ("given", "command", "then"),
    [
        rule([], PUBLISH, [PUBLISHED], "a new key is published"),
        rule([PUBLISHED], PUBLISH, Contradiction, "a key is published once"),
        rule([PUBLISHED, ACTIVATED], PUBLISH, Contradiction, "an active key is not published again"),
        rule([PUBLISHED, RETIRED], PUBLISH, Contradiction, "a retired key is not published again"),
        rule([], ACTIVATE, DoesNotExist, "a key that nobody knows cannot sign"),
        rule([], RETIRE, DoesNotExist, "a key that nobody knows cannot retire"),
        rule([PUBLISHED], ACTIVATE, [ACTIVATED], "a published key can be activated"),
        rule([PUBLISHED, ACTIVATED], ACTIVATE, [], "activating twice changes nothing"),
        rule([PUBLISHED, ACTIVATED, RETIRED], ACTIVATE, Contradiction, "a retired key never signs again"),
        rule([PUBLISHED], RETIRE, [RETIRED], "a key can retire before it ever signed"),
        rule([PUBLISHED, ACTIVATED], RETIRE, [RETIRED], "an active key can retire"),
        rule([PUBLISHED, ACTIVATED, RETIRED], RETIRE, [], "retiring twice changes nothing"),
    ],
)
def test_a_signing_key(given, command, then):
    assert outcome(SIGNING_KEY, given, command) == then


@pytest.mark.parametrize("event", [PUBLISHED, ACTIVATED, RETIRED], ids=lambda e: type(e).__name__)
@pytest.mark.parametrize(
    "state", [UnknownKey(), PublishedKey(), ActiveKey(), RetiredKey()], ids=lambda s: type(s).__name__
)
def test_evolve_takes_any_event_in_any_state(state, event):
    assert isinstance(evolve(state, event), PublishedKey | ActiveKey | RetiredKey)


def row(*events) -> signing_keys.Row:
    made = signing_keys.TABLE.fold(new_id(), events)
    assert isinstance(made, signing_keys.Row)
    return made


def test_the_key_that_signs_is_the_last_activated_of_those_not_retired():
    later = type(ACTIVATED)(at=AT + timedelta(seconds=1))
    old, new, next_, gone = (
        row(PUBLISHED, ACTIVATED),
        row(PUBLISHED, later),
        row(PUBLISHED),
        row(PUBLISHED, later, RETIRED),
    )
    assert signing_keys.active([gone, new, next_, old], "ES256") == new
    assert signing_keys.active([next_, gone], "ES256") is None
