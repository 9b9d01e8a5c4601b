"""Rehearsing a policy: which recorded requests a rule would have refused."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from events.client import Login
from events.client_apis import ClientApisChanged, GrantedApi
from service.cli.opening import Plainly
from service.cli.policy import rehearse
from service.rehearsal.policy import Policy, Refusal, TokenRequests, of_code, of_command, of_tokens
from service.rehearsal.replay import Span
from tests.rules.samples import (
    AT,
    CODE_ISSUED,
    GRANTED,
    INTERACTIVE,
    LOGIN_CHANGED,
    NARROWED,
    REGISTERED,
    RESTORED,
    STREAM,
)

CRM = (GrantedApi(identifier="https://crm.example.com", scopes=("crm:write",)),)
REQUESTS = TokenRequests(
    client=STREAM, secret=UUID(int=1), scope="api:public crm:write", lifetime=900, times=3, first=AT, last=AT, last_position=7
)  # fmt: skip
NO_CHALLENGE = CODE_ISSUED.__replace__(code_challenge=None)
PKCE_OPTIONAL = LOGIN_CHANGED.__replace__(login=Login(require_pkce=False), was=Login(require_pkce=True))
PKCE_REQUIRED = LOGIN_CHANGED.__replace__(login=Login(require_pkce=True), was=Login(require_pkce=False))
WIDENED = NARROWED.__replace__(scopes=("api:public", "crm:write"), was=("api:public",))


@pytest.mark.parametrize(
    ("rule", "age", "refused"),
    [
        ({"max_token_lifetime": 899}, None, ["max_token_lifetime"]),
        ({"max_token_lifetime": 900}, None, []),
        ({"deny_scopes": frozenset({"crm:write"})}, None, ["deny_scope"]),
        ({"deny_scopes": frozenset({"crm"})}, None, []),
        ({"max_secret_age": 90}, timedelta(days=91), ["max_secret_age"]),
        ({"max_secret_age": 90}, timedelta(days=90), []),
        ({"max_secret_age": 0}, None, []),
        ({"require_pkce": True}, None, []),
        ({"max_token_lifetime": 1, "deny_scopes": frozenset({"api:public"})}, None, ["max_token_lifetime", "deny_scope"]),
    ],
)  # fmt: skip
def test_token_requests_are_refused_for_lifetime_scope_and_the_age_of_the_secret(
    rule: dict[str, Any], age: timedelta | None, refused: list[str]
):
    assert list(of_tokens(Policy(**rule), REQUESTS, None if age is None else AT - age)) == refused


def test_an_authorization_request_is_refused_without_a_challenge_and_for_a_scope():
    strict = Policy(require_pkce=True, deny_scopes=frozenset(GRANTED.scopes))
    assert list(of_code(strict, GRANTED, NO_CHALLENGE)) == ["require_pkce", "deny_scope"]
    assert list(of_code(strict, GRANTED.__replace__(scopes=()), CODE_ISSUED.__replace__(code_challenge="c"))) == []


@pytest.mark.parametrize(
    ("command", "refused"),
    [
        (REGISTERED.__replace__(scopes=("crm:write",)), ["deny_scope"]),
        (REGISTERED.__replace__(scopes=("api:public",)), []),
        (WIDENED, ["deny_scope"]),
        (WIDENED.__replace__(was=("crm:write",)), []),
        (REGISTERED.__replace__(scopes=(), apis=CRM), ["deny_scope"]),
        (REGISTERED.__replace__(scopes=(), apis=()), []),
        (RESTORED.__replace__(scopes=(), apis=CRM), ["deny_scope"]),
        (ClientApisChanged(apis=CRM, was=None), ["deny_scope"]),
        (ClientApisChanged(apis=CRM, was=CRM), []),
        (ClientApisChanged(apis=(), was=CRM), []),
        (PKCE_OPTIONAL, ["require_pkce"]),
        (PKCE_REQUIRED, []),
        (INTERACTIVE, []),
        (RESTORED.__replace__(scopes=("crm:write",)), ["deny_scope"]),
        (RESTORED.__replace__(scopes=("api:public",), login=Login(require_pkce=False)), ["require_pkce"]),
        (RESTORED.__replace__(scopes=("api:public",)), []),
    ],
)
def test_a_command_is_refused_for_what_it_adds(command: Any, refused: list[str]):
    assert list(of_command(Policy(require_pkce=True, deny_scopes=frozenset({"crm:write"})), command)) == refused


def test_refusals_of_one_kind_add_up_from_the_first_to_the_last():
    early = Refusal("deny_scope", "token", STREAM, 2, AT, AT, 5)
    late = Refusal("deny_scope", "token", STREAM, 3, AT + timedelta(days=1), AT + timedelta(days=2), 9)
    assert early + late == Refusal("deny_scope", "token", STREAM, 5, AT, AT + timedelta(days=2), 9)


def test_a_span_is_replayed_by_whole_days_without_a_gap():
    span = Span(
        since=datetime(2026, 3, 1, 22, tzinfo=UTC),
        until=datetime(2026, 3, 3, 1, tzinfo=UTC),
        events=(0, 0),
        tokens=(0, 0),
    )
    days = span.days
    assert [day[0] for day in days] == [span.since, datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)]
    assert [day[1] for day in days] == [*(day[0] for day in days[1:]), span.until]
    whole = span.__replace__(since=datetime(2026, 3, 1, tzinfo=UTC), until=datetime(2026, 3, 2, tzinfo=UTC))
    assert whole.days == [(whole.since, whole.until)]


def test_a_policy_without_a_rule_is_empty():
    assert Policy().is_empty
    assert not Policy(require_pkce=True).is_empty


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "Name at least one rule"),
        ({"require_pkce": True, "since": "7"}, "--since takes a time"),
        ({"require_pkce": True, "since": "2999-01-01"}, "is not before the end"),
        ({"require_pkce": True, "until": "2026-01-01", "since": "2026-01-02"}, "is not before the end"),
        ({"deny_scope": ['a"b']}, "is not a scope"),
    ],
)
def test_the_command_refuses_in_a_sentence(options: dict[str, Any], said: str):
    with pytest.raises(Plainly, match=said):
        rehearse(**options)
