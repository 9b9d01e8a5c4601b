"""What may be asked about a client's keys and its method of authentication, and what comes of it."""

from uuid import UUID

import pytest
from msgspec import UNSET

from events.client import AuthorizationCode, ClientDisplayNameChanged
from events.client_key import ClientKeyAdded, ClientKeyRevoked
from events.client_security import AssertionPolicy, ClientSecurityChanged, ExchangePolicy, Security
from projections import clients
from service.commands.client import AddKey, AddSecret, ChangeClient, RegisterClient, RevokeKey
from service.commands.handle import CLIENT
from service.commands.key import MOST_KEYS
from service.commands.security_change import BY_SECRET, SecurityChange
from service.refusals import Contradiction, DoesNotExist, InvalidValue, NotPermitted
from tests.rules.samples import (
    APIS_CHANGED,
    AT,
    CRM,
    KEY_EXPIRING,
    KEYED,
    LATER,
    PUBLIC_REGISTERED,
    REGISTERED,
    SOON,
    STREAM,
    key,
    secret,
)
from tests.rules.table import outcome, rule
from tests.rules.test_client import ALICE, MALLORY, OPERATOR

BY_KEY = Security(token_endpoint_auth_method="private_key_jwt")
AT_URL = BY_KEY.__replace__(jwks_uri="https://app.example.com/jwks")
SELF_SIGNED_AT_URL = AT_URL.__replace__(token_endpoint_auth_method="self_signed_tls_client_auth")
REGISTER = RegisterClient(
    owner="alice",
    grant=KEYED.grant,
    display_name=KEYED.display_name,
    redirect_uris=(),
    scopes=KEYED.scopes,
    secret=None,
    at=AT,
    security=BY_KEY,
    keys=(key(1),),
)
ADD = AddKey(by=ALICE, key=key(9), at=AT)
ADDED = ClientKeyAdded(key=key(9))
FULL = [KEYED, *(ClientKeyAdded(key=key(number)) for number in range(2, MOST_KEYS + 1))]
NARROW = ALICE.__replace__(scopes=frozenset({"clients:write"}))


def change(**security) -> ChangeClient:
    return ChangeClient(by=ALICE, security=SecurityChange(**security))


ACTS_FOR_USERS = ExchangePolicy(audiences=(CRM,), scopes=("crm:read",), clients=("app",))
ASSERTS_USERS = AssertionPolicy(audience="https://chat.example", client_id="there")
POWERS = {
    "an API": [APIS_CHANGED],
    "the tokens of others": [
        ClientSecurityChanged(security=BY_KEY.__replace__(token_exchange=(ACTS_FOR_USERS,)), was=BY_KEY)
    ],
    "assertions of users": [
        ClientSecurityChanged(security=BY_KEY.__replace__(identity_assertions=(ASSERTS_USERS,)), was=BY_KEY)
    ],
}
ELSEWHERE = change(jwks_uri="https://app.example.com/jwks")
TO_KEY = change(token_endpoint_auth_method="private_key_jwt")
TO_SECRET = change(token_endpoint_auth_method=BY_SECRET)
FAPI = BY_KEY.__replace__(security_profile="fapi2", dpop_bound_access_tokens=True)


@pytest.mark.parametrize(
    ("given", "command", "expected"),
    [
        rule([], REGISTER, [KEYED], "a client is registered with a key and without a secret"),
        rule(
            [],
            REGISTER.__replace__(keys=(), security=AT_URL),
            [KEYED.__replace__(keys=UNSET, security=AT_URL)],
            "or with the URL of its keys",
        ),
        rule([], REGISTER.__replace__(keys=()), InvalidValue, "a client without any key could never authenticate"),
        rule([], REGISTER.__replace__(security=AT_URL), InvalidValue, "its keys are in one place"),
        rule([], REGISTER.__replace__(keys=(key(1), key(1))), InvalidValue, "a key is not registered twice"),
        rule(
            [],
            REGISTER.__replace__(keys=(key(1), key(2).__replace__(kid="key-1"))),
            InvalidValue,
            "two keys have two names",
        ),
        rule([KEYED], ADD, [ADDED], "a key is added"),
        rule([REGISTERED], ADD, [ADDED], "also to a client with a secret, before it changes its method"),
        rule([PUBLIC_REGISTERED], ADD, Contradiction, "but not to a public one"),
        rule([KEYED], ADD.__replace__(by=MALLORY), DoesNotExist, "nor to another owner's"),
        rule([KEYED], ADD.__replace__(by=NARROW), NotPermitted, "nor by somebody who would gain its scopes"),
        *(
            rule([KEYED, *power], command, NotPermitted, f"nor by somebody who would gain {what}")
            for what, power in POWERS.items()
            for command in (ADD, AddSecret(by=ALICE, secret=secret(2), at=AT), ELSEWHERE)
        ),
        rule([KEYED, *POWERS["an API"]], ADD.__replace__(by=OPERATOR), [ADDED], "an operator may have it all"),
        rule([KEYED], ADD.__replace__(key=key(1)), Contradiction, "a key is not added twice"),
        rule([KEYED], ADD.__replace__(key=key(2).__replace__(kid="key-1")), Contradiction, "nor a kid"),
        rule(FULL, ADD, Contradiction, "there are at most ten"),
        rule(
            [KEYED],
            ADD.__replace__(others_expire_at=LATER),
            [ADDED, KEY_EXPIRING],
            "a rotation gives the others an end",
        ),
        rule(
            [KEYED],
            ADD.__replace__(others_expire_at=AT),
            [ADDED, ClientKeyRevoked(key_id=UUID(int=1))],
            "or revokes them at once",
        ),
        rule(
            [KEYED.__replace__(keys=(key(1, expires_at=SOON),))],
            ADD.__replace__(at=LATER, key=key(1)),
            [ClientKeyRevoked(key_id=UUID(int=1)), ClientKeyAdded(key=key(1))],
            "an expired key may come back, and makes room",
        ),
        rule(
            [KEYED],
            RevokeKey(by=ALICE, key_id=UUID(int=1)),
            [ClientKeyRevoked(key_id=UUID(int=1))],
            "a key is revoked, also the last one",
        ),
        rule([KEYED], RevokeKey(by=ALICE, key_id=UUID(int=2)), DoesNotExist, "what is not there is not revoked"),
        rule([REGISTERED], TO_KEY, Contradiction, "a method by key needs a key"),
        rule(
            [],
            REGISTER.__replace__(keys=(), security=SELF_SIGNED_AT_URL),
            [KEYED.__replace__(keys=UNSET, security=SELF_SIGNED_AT_URL)],
            "the keys of certificates may be at an address",
        ),
        rule(
            [],
            REGISTER.__replace__(keys=(), security=SELF_SIGNED_AT_URL.__replace__(jwks_uri=None)),
            InvalidValue,
            "and have to be somewhere",
        ),
        rule(
            [REGISTERED],
            change(
                token_endpoint_auth_method=SELF_SIGNED_AT_URL.token_endpoint_auth_method,
                jwks_uri=SELF_SIGNED_AT_URL.jwks_uri,
            ),
            [ClientSecurityChanged(security=SELF_SIGNED_AT_URL, was=Security())],
            "a client with a secret may change to that",
        ),
        rule(
            [REGISTERED, ADDED],
            TO_KEY,
            [ClientSecurityChanged(security=BY_KEY, was=Security())],
            "then a client may change to it",
        ),
        rule([KEYED], TO_SECRET, Contradiction, "back to a secret needs a secret"),
        rule([PUBLIC_REGISTERED], TO_KEY, Contradiction, "a public client stays public"),
        rule([PUBLIC_REGISTERED], TO_SECRET, Contradiction, "and gets no secret"),
        rule(
            [REGISTERED, ADDED],
            TO_KEY.__replace__(by=NARROW),
            NotPermitted,
            "who would gain its scopes may not change how it authenticates",
        ),
        rule(
            [KEYED],
            change(jwks_uri="https://app.example.com/jwks").__replace__(by=NARROW),
            NotPermitted,
            "nor where its keys are",
        ),
        rule([KEYED], TO_KEY, [], "what is so already changes nothing"),
        rule([], REGISTER.__replace__(security=FAPI), [KEYED.__replace__(security=FAPI)], "a client of FAPI 2.0"),
        rule(
            [],
            REGISTER.__replace__(security=FAPI.__replace__(dpop_bound_access_tokens=False)),
            InvalidValue,
            "needs bound tokens",
        ),
        rule(
            [],
            REGISTER.__replace__(
                security=FAPI, grant=AuthorizationCode(), redirect_uris=("https://app.example.com/cb",)
            ),
            InvalidValue,
            "and, if users sign in through it, pushed requests and PKCE",
        ),
        rule(
            [KEYED.__replace__(security=FAPI)],
            change(dpop_bound_access_tokens=False),
            InvalidValue,
            "and stays so",
        ),
    ],
)
def test_keys(given, command, expected):
    assert outcome(CLIENT, given, command) == expected


def test_a_client_with_a_key_is_not_public_and_one_without_anything_is():
    keyed, public = (clients.TABLE.fold(STREAM, [event]) for event in (KEYED, PUBLIC_REGISTERED))
    assert isinstance(keyed, clients.Row)
    assert isinstance(public, clients.Row)
    assert (keyed.public, public.public) == (False, True)
    assert keyed.keys == (key(1),)


def test_the_last_state_of_a_key_is_in_the_row():
    row = clients.TABLE.fold(
        STREAM, [KEYED, ADDED, KEY_EXPIRING, ClientDisplayNameChanged(display_name="CRM", was=None)]
    )
    assert isinstance(row, clients.Row)
    assert [(each.kid, each.expires_at) for each in row.keys] == [("key-1", LATER), ("key-9", None)]
