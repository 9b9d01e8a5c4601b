"""The terms on which people log in through a client: who may set them, and to what."""

from typing import Any

import pytest
from msgspec import UNSET, structs

from events.client import (
    Active,
    AuthorizationCode,
    ClientAccessTokenAlgChanged,
    ClientDisplayNameChanged,
    ClientLoginChanged,
    ClientScopesChanged,
    Login,
    Unregistered,
    evolve,
)
from events.client_security import ClientSecurityChanged, Security
from projections.clients import project
from service.commands.client import ChangeClient, Holder, RegisterClient, decide
from service.commands.handle import CLIENT
from service.commands.login_change import LoginChange
from service.commands.security_change import SecurityChange
from service.endpoints.client_schemas import CreateOAuthClientRequest
from service.endpoints.client_settings import registered_login
from service.refusals import Contradiction, NotPermitted
from tests.rules.samples import ALG_CHANGED, AT, INTERACTIVE, LOGIN_CHANGED, REGISTERED, STREAM, secret
from tests.rules.table import outcome, rule

ALICE = Holder(owner="alice", sub="alice", scopes=frozenset({"clients:write", "api:public"}))
OPERATOR = Holder(owner=None, sub="muniment", scopes=frozenset({"clients:write", "operate"}))
REGISTER = RegisterClient(
    owner="alice",
    grant=INTERACTIVE.grant,
    display_name=None,
    redirect_uris=INTERACTIVE.redirect_uris,
    scopes=INTERACTIVE.scopes,
    secret=secret(1),
    at=AT,
    by=ALICE,
)
MACHINE = REGISTER.__replace__(grant=REGISTERED.grant)
REGISTERED_BARE = INTERACTIVE.__replace__(grant=REGISTERED.grant)
PUBLIC = INTERACTIVE.__replace__(secret=None)
USUAL = Login()
NO_PKCE, PKCE = Login(require_pkce=False), Login(require_pkce=True)
MINIMAL = Login(id_token_claims="minimal")
FIRST_PARTY, ES256 = Login(first_party=True), Login(id_token_alg="ES256")
FIRST_PARTY_PKCE = Login(first_party=True, require_pkce=True)
SKIPS_CONSENT = [INTERACTIVE, ClientLoginChanged(login=FIRST_PARTY, was=USUAL)]
BOUND = Security(dpop_bound_access_tokens=True)
OUT = ("https://app.example.com/out",)


def register(login: Login, by: Holder | None = ALICE, **more: Any) -> RegisterClient:
    return REGISTER.__replace__(login=login, by=by, **more)


def bound(value: bool) -> ChangeClient:
    return ChangeClient(by=ALICE, security=SecurityChange(dpop_bound_access_tokens=value))


def change(by: Holder = ALICE, **terms: Any) -> ChangeClient:
    return ChangeClient(by=by, login=LoginChange().__replace__(**terms))


def changed(login: Login, was: Login = USUAL) -> ClientLoginChanged:
    return ClientLoginChanged(login=login, was=was)


@pytest.mark.parametrize(
    ("given", "command", "then"),
    [
        rule([], register(USUAL), [INTERACTIVE], "the usual terms are no event"),
        rule([], register(ES256), [INTERACTIVE, changed(ES256)], "other terms are one"),
        rule([], register(NO_PKCE), [INTERACTIVE, changed(NO_PKCE)], "a confidential client may do without PKCE"),
        rule([], register(NO_PKCE, secret=None), Contradiction, "a public client may not"),
        rule([], register(PKCE, secret=None), [PUBLIC, changed(PKCE)], "a public client may say that it needs PKCE"),
        rule([], register(USUAL, secret=None), [PUBLIC], "without a secret it is a public client"),
        rule([], register(FIRST_PARTY), NotPermitted, "nobody lets their own client skip consent"),
        rule([], register(FIRST_PARTY, None), NotPermitted, "nor does the service by itself"),
        rule([], register(FIRST_PARTY, OPERATOR), [INTERACTIVE, changed(FIRST_PARTY)], "an operator may"),
        rule([], MACHINE.__replace__(login=ES256), Contradiction, "nobody logs in through a machine"),
        rule([INTERACTIVE], change(), [], "a change of no term changes nothing"),
        rule([INTERACTIVE], change(id_token_alg="RS256"), [], "to what is changes nothing"),
        rule([INTERACTIVE], change(id_token_alg="ES256"), [changed(ES256)], "a term can be changed"),
        rule(
            [INTERACTIVE, changed(ES256)],
            change(post_logout_redirect_uris=OUT),
            [changed(Login(id_token_alg="ES256", post_logout_redirect_uris=OUT), ES256)],
            "what is not said stays as it is",
        ),
        rule(
            [INTERACTIVE, changed(Login(backchannel_logout_uri="https://a.example"))],
            change(backchannel_logout_uri=None),
            [changed(USUAL, Login(backchannel_logout_uri="https://a.example"))],
            "a client can be told no more",
        ),
        rule([INTERACTIVE], change(id_token_claims="scopes"), [], "ID tokens have the claims of the scopes anyway"),
        rule([INTERACTIVE], change(id_token_claims="minimal"), [changed(MINIMAL)], "and can be minimal"),
        rule(
            [INTERACTIVE, changed(MINIMAL)], change(id_token_claims="scopes"), [changed(USUAL, MINIMAL)], "or not again"
        ),
        rule([PUBLIC], change(require_pkce=False), Contradiction, "a public client never does without PKCE"),
        rule([INTERACTIVE], change(require_pkce=None), [], "PKCE is as the deployment has it, where nothing is said"),
        rule([INTERACTIVE], change(require_pkce=True), [changed(PKCE)], "PKCE can be required of one client"),
        rule(
            [INTERACTIVE, changed(PKCE)],
            change(require_pkce=None),
            [changed(USUAL, PKCE)],
            "and be as the deployment has it again",
        ),
        rule(
            [],
            MACHINE.__replace__(access_token_alg="RS256"),
            [REGISTERED_BARE, ALG_CHANGED],
            "a machine's tokens may be RS256",
        ),
        rule([INTERACTIVE], ChangeClient(by=ALICE, access_token_alg="RS256"), [ALG_CHANGED], "so may a person's"),
        rule([INTERACTIVE, ALG_CHANGED], ChangeClient(by=ALICE, access_token_alg="RS256"), [], "again changes nothing"),
        rule(
            [INTERACTIVE, ALG_CHANGED],
            ChangeClient(by=ALICE, access_token_alg=None),
            [ClientAccessTokenAlgChanged(access_token_alg=None, was="RS256")],
            "and be what the deployment has again",
        ),
        rule([REGISTERED], change(id_token_alg="ES256"), Contradiction, "a machine gets no such terms later either"),
        rule(
            [],
            MACHINE.__replace__(security=BOUND),
            [REGISTERED_BARE.__replace__(security=BOUND)],
            "a machine's tokens may be bound to its key",
        ),
        rule([REGISTERED], bound(False), [], "what nothing was said of is off"),
        rule([REGISTERED], bound(True), [ClientSecurityChanged(security=BOUND, was=Security())], "it can be set later"),
        rule(
            [REGISTERED, ClientSecurityChanged(security=BOUND, was=Security())],
            bound(False),
            [ClientSecurityChanged(security=Security(), was=BOUND)],
            "and be taken back",
        ),
        rule([INTERACTIVE], change(first_party=True), NotPermitted, "nobody lets their own client skip consent later"),
        rule([INTERACTIVE], change(OPERATOR, first_party=True), [changed(FIRST_PARTY)], "an operator may later"),
        rule(
            [INTERACTIVE, changed(FIRST_PARTY)],
            change(id_token_alg="ES256"),
            [changed(Login(first_party=True, id_token_alg="ES256"), FIRST_PARTY)],
            "its owner changes other terms of a client that skips consent",
        ),
        rule(
            [INTERACTIVE, changed(FIRST_PARTY)],
            change(first_party=False),
            [changed(USUAL, FIRST_PARTY)],
            "and makes it ask again",
        ),
        rule(
            SKIPS_CONSENT,
            ChangeClient(by=ALICE, display_name="CRM", redirect_uris=INTERACTIVE.redirect_uris[:1], scopes=()),
            [
                ClientDisplayNameChanged(display_name="CRM", was=None),
                ClientScopesChanged(scopes=(), was=("api:public",)),
            ],
            "its owner changes what widens nothing",
        ),
    ],
)
def test_the_terms_of_logging_in(given, command, then):
    assert outcome(CLIENT, given, command) == then


WIDER = {
    "a redirect URI": ChangeClient(by=ALICE, redirect_uris=(*INTERACTIVE.redirect_uris, *OUT)),
    "a scope": ChangeClient(by=ALICE, scopes=("api:public", "clients:write")),
    "PKCE as the deployment has it": change(require_pkce=None),
    "no PKCE": change(require_pkce=False),
    "a post-logout redirect URI": change(post_logout_redirect_uris=OUT),
    "a back-channel logout URI": change(backchannel_logout_uri="https://app.example.com/ended"),
}


@pytest.mark.parametrize("wider", WIDER.values(), ids=list(WIDER))
def test_only_an_operator_widens_what_a_client_that_skips_consent_can_do(wider: ChangeClient):
    asking = [INTERACTIVE.__replace__(grant=AuthorizationCode(bot_user_id="alice"))]
    skipping = [*asking, changed(FIRST_PARTY_PKCE)]
    with_consent = wider.__replace__(login=wider.login.__replace__(first_party=False))
    assert outcome(CLIENT, skipping, wider) is NotPermitted
    assert isinstance(outcome(CLIENT, skipping, wider.__replace__(by=OPERATOR)), list)
    assert isinstance(outcome(CLIENT, asking, wider), list)
    back = outcome(CLIENT, skipping, with_consent)
    assert isinstance(back, list)
    assert back[-1].login.first_party is False


SECURE = Security(
    tls_client_certificate_bound_access_tokens=True,
    dpop_bound_access_tokens=True,
    require_pushed_authorization_requests=True,
    require_signed_request_object=True,
    request_object_signing_alg="ES256",
)
LOOSER: dict[str, Any] = {
    "tls_client_certificate_bound_access_tokens": False,
    "dpop_bound_access_tokens": False,
    "require_pushed_authorization_requests": False,
    "require_signed_request_object": False,
    "request_object_signing_alg": None,
    "device_grant": True,
}


@pytest.mark.parametrize("name", LOOSER)
def test_nor_does_an_owner_turn_off_how_such_a_client_is_secured(name: str):
    secured = ClientSecurityChanged(security=SECURE, was=Security())
    skipping = [
        INTERACTIVE.__replace__(grant=AuthorizationCode(bot_user_id="alice")),
        secured,
        changed(FIRST_PARTY_PKCE),
    ]
    looser = ChangeClient(by=ALICE, security=SecurityChange().__replace__(**{name: LOOSER[name]}))
    assert outcome(CLIENT, skipping, looser) is NotPermitted
    assert isinstance(outcome(CLIENT, skipping, looser.__replace__(by=OPERATOR)), list)
    assert isinstance(outcome(CLIENT, skipping[:2], looser), list)


def test_every_term_that_a_change_names_is_changed():
    wanted, usual = structs.asdict(LOGIN_CHANGED.login), structs.asdict(Login())
    assert all(wanted[name] != usual[name] for name in Login.__struct_fields__)
    assert LoginChange.__struct_fields__ == Login.__struct_fields__
    assert LoginChange(**wanted).after(Login()) == LOGIN_CHANGED.login
    assert LoginChange().after(LOGIN_CHANGED.login) == LOGIN_CHANGED.login


def test_the_refusal_names_what_would_be_widened_and_both_ways_on():
    registered = evolve(Unregistered(), INTERACTIVE)
    assert isinstance(registered, Active)
    skipping = registered.__replace__(login=FIRST_PARTY)
    command = ChangeClient(by=ALICE, redirect_uris=OUT, login=LoginChange(require_pkce=False))
    with pytest.raises(
        NotPermitted, match=r"redirectUris, requirePkce takes the scope operate.*set firstParty to false"
    ):
        decide(command, skipping)


OLD = ES256.__replace__(require_pkce=True)
"""Terms as they were recorded when `true` was the default of require_pkce."""


@pytest.mark.parametrize(
    ("recorded", "now"),
    [
        pytest.param([changed(OLD, PKCE)], UNSET, id="a default that nobody chose is as the deployment has it"),
        pytest.param([changed(NO_PKCE, PKCE)], False, id="what was switched off stays off"),
        pytest.param([changed(NO_PKCE, PKCE), changed(PKCE, NO_PKCE)], True, id="what was switched on stays on"),
        pytest.param(
            [changed(NO_PKCE, PKCE), changed(PKCE, NO_PKCE), changed(OLD, PKCE)], True, id="and after other changes too"
        ),
    ],
)
def test_whether_pkce_is_required_of_a_client_of_before(recorded, now):
    client, row = Unregistered(), None
    for event in (INTERACTIVE, *recorded):
        client, row = evolve(client, event), project(row, STREAM, event)
    assert isinstance(client, Active)
    assert row is not None
    assert (client.login.require_pkce, row.login) == (now, client.login)


def test_a_registration_that_says_nothing_means_the_usual_terms():
    assert registered_login(CreateOAuthClientRequest(m2m=False)) == Login()
    assert LoginChange(**structs.asdict(Login())).after(Login()) == Login()
