"""Which token a client gets for which: never more than the subject's token has, and never without a policy."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from events.api import ApiScope, ApiTerms
from events.client_security import AssertionPolicy, ExchangePolicy
from projections.apis import Row as Api
from service.oauth.delegation import (
    LONGEST_CHAIN,
    Act,
    Actor,
    Ancestor,
    ForeignChain,
    chain,
    foreign_act,
    may_act,
)
from service.oauth.errors import Refusal
from service.oauth.identity_assertions import issued
from service.oauth.token_exchange import ExchangeRequest, Subject, exchange, of_api
from tests.rules.samples import AT

CRM, ERP = "https://crm.example.com", "https://erp.example.com"
APP, AGENT, OTHER = "oauth_client_app", "oauth_client_agent", "oauth_client_other"
POLICY = ExchangePolicy(clients=(APP,), audiences=(CRM,), scopes=("crm:read", "crm:write"))
CLIENT = Actor(sub="bot_agent", client_id=AGENT)
SUBJECT = Subject(
    sub="ada",
    expires_at=1000,
    scopes=("openid", "crm:read", "erp:read"),
    client_id=APP,
    ancestors=(Ancestor(jti=UUID(int=1), client_id=APP),),
)
ASK = ExchangeRequest()


def acting(*client_ids: str) -> Act:
    act = UNSET
    for client_id in client_ids:
        act = Act(sub=f"bot of {client_id}", client_id=client_id, act=act)
    assert act is not UNSET
    return act


def test_a_client_gets_a_token_that_says_that_it_acts_for_the_subject():
    made = exchange([POLICY], CLIENT, SUBJECT, ASK)
    assert (made.sub, made.audience, made.scopes, made.latest) == ("ada", CRM, ("crm:read",), 1000)
    assert made.act == Act(sub="bot_agent", client_id=AGENT)
    assert made.ancestors == SUBJECT.ancestors


def test_a_policy_gives_no_scope_that_its_api_has_no_longer():
    terms = ApiTerms(name="CRM", scopes=(ApiScope(name="crm:read"),))
    api = Api(stream_id=UUID(int=2), identifier=CRM, terms=terms, state="active", created_at=AT, version=1)
    made = exchange([POLICY], CLIENT, SUBJECT.__replace__(scopes=None), ASK)
    assert of_api(made, (), {}).scopes == ("crm:read", "crm:write"), "an operator may name what is no registered API"
    assert of_api(made, (), {CRM: api}).scopes == ("crm:read",)
    for asked, has in (made.scopes, api), ((), api.__replace__(terms=terms.__replace__(scopes=()))):
        with pytest.raises(Refusal, match=r"has no scope: .*crm:write") as refused:
            of_api(made, asked, {CRM: has})
        assert refused.value.error == "invalid_scope"


def test_each_exchange_adds_its_actor_to_the_chain():
    made = exchange([POLICY], CLIENT, SUBJECT.__replace__(act=acting("oauth_client_a", "oauth_client_b")), ASK)
    assert [each.client_id for each in chain(made.act)] == [AGENT, "oauth_client_b", "oauth_client_a"]


def test_impersonation_needs_a_policy_that_says_so_and_forgets_no_earlier_actor():
    policy = POLICY.__replace__(impersonation=True)
    assert exchange([policy], CLIENT, SUBJECT, ASK).act is UNSET
    before = acting("oauth_client_a")
    assert exchange([policy], CLIENT, SUBJECT.__replace__(act=before), ASK).act == before
    actor = Actor(sub="bot_two", client_id=AGENT)
    assert exchange([policy], CLIENT, SUBJECT, ExchangeRequest(actor=actor)).act == Act(sub="bot_two", client_id=AGENT)


def test_the_first_policy_that_allows_everything_is_taken():
    wide = POLICY.__replace__(scopes=("crm:read", "erp:read"), audiences=(ERP,), impersonation=True)
    made = exchange([POLICY, wide], CLIENT, SUBJECT, ExchangeRequest(audiences=(ERP,), scopes=("erp:read",)))
    assert (made.audience, made.scopes, made.act) == (ERP, ("erp:read",), UNSET)


CHAIN_OF_FIVE = acting(*(f"oauth_client_{number}" for number in range(LONGEST_CHAIN)))
CHAIN_OF_TWENTY = acting(*(f"oauth_client_{number}" for number in range(20)))
TOO_OLD = tuple(Ancestor(jti=UUID(int=n), client_id=APP) for n in range(LONGEST_CHAIN + 1))
ESCALATIONS: dict[str, tuple[list[ExchangePolicy], Subject, ExchangeRequest, str]] = {
    "no policy": ([], SUBJECT, ASK, "unauthorized_client"),
    "a token of another client": ([POLICY], SUBJECT.__replace__(client_id=OTHER), ASK, "invalid_request"),
    "a token of another issuer": (
        [POLICY.__replace__(issuers=("https://idp.example",))],
        SUBJECT.__replace__(client_id=None, issuer="https://evil.example"),
        ASK,
        "invalid_request",
    ),
    "a scope that the subject has not": ([POLICY], SUBJECT, ExchangeRequest(scopes=("crm:write",)), "invalid_scope"),
    "a scope that the policy has not": ([POLICY], SUBJECT, ExchangeRequest(scopes=("erp:read",)), "invalid_scope"),
    "no scope in common": ([POLICY], SUBJECT.__replace__(scopes=("erp:read",)), ASK, "invalid_scope"),
    "no scope at all": ([POLICY], SUBJECT.__replace__(scopes=()), ASK, "invalid_scope"),
    "another API": ([POLICY], SUBJECT, ExchangeRequest(audiences=(ERP,)), "invalid_target"),
    "two APIs": ([POLICY], SUBJECT, ExchangeRequest(audiences=(CRM, ERP)), "invalid_target"),
    "no API of two": ([POLICY.__replace__(audiences=(CRM, ERP))], SUBJECT, ASK, "invalid_target"),
    "scopes of one policy for the API of another": (
        [POLICY, ExchangePolicy(clients=(APP,), audiences=(ERP,), scopes=("erp:read",))],
        SUBJECT,
        ExchangeRequest(audiences=(CRM,), scopes=("erp:read",)),
        "invalid_scope",
    ),
    "a chain of five": ([POLICY], SUBJECT.__replace__(act=CHAIN_OF_FIVE), ASK, "invalid_request"),
    "a chain of twenty": ([POLICY], SUBJECT.__replace__(act=CHAIN_OF_TWENTY), ASK, "invalid_request"),
    "six exchanges": ([POLICY], SUBJECT.__replace__(ancestors=TOO_OLD), ASK, "invalid_request"),
    "a loop": ([POLICY], SUBJECT.__replace__(act=acting(AGENT, "oauth_client_b")), ASK, "invalid_request"),
    "another may act": ([POLICY], SUBJECT.__replace__(may_act={"sub": "bot_other"}), ASK, "invalid_request"),
    "nobody may act": ([POLICY], SUBJECT.__replace__(may_act={}), ASK, "invalid_request"),
    "a may_act that is none": ([POLICY], SUBJECT.__replace__(may_act=["bot_agent"]), ASK, "invalid_request"),
    "another issuer's actor may act": (
        [POLICY],
        SUBJECT.__replace__(may_act={"sub": "bot_agent", "iss": "https://idp.example"}),
        ASK,
        "invalid_request",
    ),
    "a bound token without proof": ([POLICY], SUBJECT.__replace__(jkt="key"), ASK, "invalid_request"),
    "a bound token with another's proof": (
        [POLICY],
        SUBJECT.__replace__(jkt="key"),
        ExchangeRequest(jkt="other"),
        "invalid_request",
    ),
}


@pytest.mark.parametrize("name", ESCALATIONS)
def test_an_escalation_is_refused_with_the_documented_error(name: str):
    policies, subject, asked, error = ESCALATIONS[name]
    with pytest.raises(Refusal) as refused:
        exchange(policies, CLIENT, subject, asked)
    assert refused.value.error == error


@pytest.mark.parametrize("scope", ["operate", "clients:write", "audit:read", "introspect:all", "openid", "email"])
def test_scopes_of_this_server_and_those_about_a_person_are_never_exchanged(scope: str):
    policy, subject = POLICY.__replace__(scopes=(scope, "crm:read")), SUBJECT.__replace__(scopes=(scope, "crm:read"))
    assert exchange([policy], CLIENT, subject, ASK).scopes == ("crm:read",)
    with pytest.raises(Refusal, match="cannot have these scopes"):
        exchange([policy], CLIENT, subject, ExchangeRequest(scopes=(scope,)))


def test_whom_may_act_names_may_act():
    for named in ({"sub": "bot_agent"}, {"client_id": AGENT}, {"sub": "bot_agent", "client_id": AGENT, "email": "x"}):
        assert exchange([POLICY], CLIENT, SUBJECT.__replace__(may_act=named), ASK).act
    assert not may_act({"email": "ada@example.com"}, CLIENT)
    assert exchange([POLICY], CLIENT, SUBJECT.__replace__(jkt="key"), ExchangeRequest(jkt="key"))


def nested(depth: int) -> Any:
    return {"sub": "a", "act": nested(depth - 1)} if depth else None


def test_the_chain_of_another_server_is_read_up_to_five_actors():
    assert len(list(chain(foreign_act(nested(5))))) == 5
    assert foreign_act(None) is UNSET
    for given_act in (nested(6), nested(20), "a", [], {"sub": 7}, {"sub": "a", "act": "b"}, {}, {"sub": "a", "iss": 1}):
        with pytest.raises(ForeignChain):
            foreign_act(given_act)


names = st.sampled_from(["crm:read", "crm:write", "erp:read", "operate", "openid"])
several = st.lists(names, unique=True).map(tuple)
clients = st.lists(st.sampled_from([APP, OTHER, AGENT]), unique=True).map(tuple)
audiences = st.lists(st.sampled_from([CRM, ERP]), unique=True).map(tuple)
policies = st.builds(ExchangePolicy, clients=clients, audiences=audiences, scopes=several, impersonation=st.booleans())
chains = st.lists(st.sampled_from(["oauth_client_a", "oauth_client_b"]), max_size=7)
subjects = st.builds(
    lambda client, scopes, acts, before: SUBJECT.__replace__(
        client_id=client,
        scopes=scopes,
        act=acting(*acts) if acts else UNSET,
        ancestors=tuple(Ancestor(jti=UUID(int=n), client_id=APP) for n in range(before)),
    ),
    st.sampled_from([APP, OTHER]),
    several,
    chains,
    st.integers(1, 8),
)
asks = st.builds(ExchangeRequest, audiences=audiences, scopes=several)


@given(st.lists(policies, max_size=4), subjects, asks)
def test_what_is_granted_is_within_the_subject_and_one_policy_and_the_chain_is_bounded(given_policies, subject, asked):
    try:
        made = exchange(given_policies, CLIENT, subject, asked)
    except Refusal:
        return
    assert made.scopes
    assert set(made.scopes) <= set(subject.scopes)
    assert set(made.scopes) & {"operate", "openid"} == set()
    assert not asked.scopes or set(made.scopes) == set(asked.scopes)
    assert any(
        subject.client_id in policy.clients
        and made.audience in policy.audiences
        and set(made.scopes) <= set(policy.scopes)
        for policy in given_policies
    )
    assert made.latest <= subject.expires_at
    assert len(list(chain(made.act))) <= LONGEST_CHAIN
    assert len(made.ancestors) <= LONGEST_CHAIN
    assert (made.act == subject.act) <= any(policy.impersonation for policy in given_policies)


THERE = AssertionPolicy(audience="https://as.example", client_id="app-there", scopes=("chat",))
OWN = SUBJECT.__replace__(client_id=AGENT)


def test_a_client_asserts_its_own_users_where_an_operator_lets_it():
    asked = ExchangeRequest(audiences=("https://as.example",), scopes=("chat",))
    made = issued((THERE,), CLIENT, OWN, asked)
    assert (made.audience, made.client_there, made.scopes, made.act) == (THERE.audience, "app-there", ("chat",), UNSET)
    there = asked.__replace__(resources=("https://chat.example/mcp",))
    assert issued((THERE,), CLIENT, OWN, there).resources == there.resources
    many = tuple(f"urn:resource:{number}" for number in range(11))
    refused: list[tuple[tuple[AssertionPolicy, ...], Subject, ExchangeRequest, str]] = [
        ((THERE,), OWN, asked.__replace__(resources=("no uri",)), "invalid_target"),
        ((THERE,), OWN, asked.__replace__(resources=many), "invalid_target"),
        ((), OWN, asked, "unauthorized_client"),
        ((THERE,), SUBJECT, asked, "invalid_request"),
        ((THERE,), OWN.__replace__(jkt="key"), asked, "invalid_request"),
        ((THERE,), OWN, asked.__replace__(audiences=("https://evil.example",)), "invalid_target"),
        ((THERE,), OWN, asked.__replace__(audiences=()), "invalid_target"),
        ((THERE,), OWN, asked.__replace__(scopes=("chat", "admin")), "invalid_scope"),
    ]
    for given_policies, subject, request, error in refused:
        with pytest.raises(Refusal) as fault:
            issued(given_policies, CLIENT, subject, request)
        assert fault.value.error == error
