"""Workload identities: which tokens of trusted issuers authenticate a client."""

from typing import Any
from uuid import UUID

import pytest

from events.client_security import WorkloadIdentity
from service.oauth.foreign_tokens import ForeignClaims, Unverified
from service.oauth.workload_identity import NO_JTI, OTHER_AUDIENCE, SEVERAL, identity_of, may_be_of
from service.values.subject_patterns import fault_of, matches

CI, US = "https://token.actions.githubusercontent.com", "https://auth.example.com"
MAIN = "repo:acme/*:ref:refs/heads/main"
POD = "system:serviceaccount:crm:sync"

SUBJECTS = [
    (POD, POD, True),
    (POD, "system:serviceaccount:crm:sync2", False),
    (POD, "system:serviceaccount:crm", False),
    (MAIN, "repo:acme/web:ref:refs/heads/main", True),
    (MAIN, "repo:acme/:ref:refs/heads/main", False),
    (MAIN, "repo:acme/web:ref:refs/heads/main2", False),
    (MAIN, "repo:acme/web:environment:x:ref:refs/heads/main", False),
    (MAIN, "repo:acme/web/x:ref:refs/heads/main", False),
    (MAIN, "repo:acme.evil/web:ref:refs/heads/main", False),
    (MAIN, "repo/acme:web:ref:refs/heads/main", False),
    ("repo:acme/web:ref:refs/tags/v*", "repo:acme/web:ref:refs/tags/v1", True),
    ("repo:acme/web:ref:refs/tags/v*", "repo:acme/web:ref:refs/tags/v", False),
    ("repo:acme/web-*-api:pull_request", "repo:acme/web-crm-api:pull_request", True),
    ("repo:acme/web-*-api:pull_request", "repo:acme/web-api:pull_request", False),
    ("spiffe://example.org/ns/*/sa/sync", "spiffe://example.org/ns/crm/sa/sync", True),
    ("spiffe://example.org/ns/*/sa/sync", "spiffe://example.org.evil/ns/crm/sa/sync", False),
    ("repo:acme/.*:x", "repo:acme/web:x", False),
    ("repo:acme/[a-z]*:x", "repo:acme/web:x", False),
]


@pytest.mark.parametrize(("pattern", "subject", "fits"), SUBJECTS)
def test_a_wildcard_stands_for_the_rest_of_one_part_of_the_subject(pattern: str, subject: str, *, fits: bool):
    assert matches(pattern, subject) is fits


@pytest.mark.parametrize(
    ("pattern", "says"),
    [("*", "must begin"), ("re*:acme", "must begin"), (":acme", "must begin"), ("repo:a*b*", "more than one")],
)
def test_a_pattern_that_could_be_of_anybody_or_takes_time_is_refused(pattern: str, says: str):
    assert says in str(fault_of(pattern))
    assert fault_of(MAIN) is None


IDENTITY = WorkloadIdentity(issuer=CI, subject=MAIN)


def claims(**changes: Any) -> ForeignClaims:
    usual = ForeignClaims(
        issuer=CI,
        issuer_id=UUID(int=1),
        subject="repo:acme/web:ref:refs/heads/main",
        audiences=(US,),
        jti="one",
        issued_at=None,
        expires_at=1_800_000_000,
        kid="",
        claims={},
    )
    return usual.__replace__(**changes)


def test_the_first_identity_that_fits_in_everything_is_the_tokens():
    named = IDENTITY.__replace__(audience=US)
    assert identity_of([IDENTITY.__replace__(audience="sts"), named], claims()) == named


@pytest.mark.parametrize(
    ("identity", "found", "why"),
    [
        (IDENTITY, claims(issuer="https://evil.example"), None),
        (IDENTITY, claims(subject="repo:evil/web:ref:refs/heads/main"), None),
        (IDENTITY, claims(audiences=(US, "https://other.example")), SEVERAL),
        (IDENTITY.__replace__(audience="sts"), claims(), OTHER_AUDIENCE),
        (IDENTITY.__replace__(single_use=True), claims(jti=None), NO_JTI),
    ],
)
def test_a_token_that_is_not_wholly_of_an_identity_is_of_none(identity: Any, found: Any, why: str | None):
    assert identity_of([identity], found) == why
    assert identity_of([], found) is None


@pytest.mark.parametrize(
    ("said", "may"),
    [
        ({"iss": CI, "sub": "repo:acme/web:ref:refs/heads/main"}, True),
        ({"iss": CI, "sub": "repo:evil/web:ref:refs/heads/main"}, False),
        ({"iss": "https://evil.example", "sub": "repo:acme/web:ref:refs/heads/main"}, False),
        ({"iss": CI}, False),
        ({"iss": [CI], "sub": 7}, False),
        ({"sub": "spiffe://example.org/ns/crm"}, True),
        ({"iss": "https://spire.example", "sub": "spiffe://example.org/ns/crm"}, True),
        ({"sub": "spiffe://evil.example/ns/crm"}, False),
    ],
)
def test_a_token_that_says_that_it_is_of_no_workload_of_the_client_is_not_even_verified(said: Any, *, may: bool):
    spiffe = WorkloadIdentity(issuer="spiffe://example.org", subject="spiffe://example.org/ns/*")
    assert may_be_of([IDENTITY, spiffe], Unverified(text="", header={}, claims=said)) is may


def test_the_id_of_an_identity_is_the_same_for_ever_and_another_for_each_client():
    one, two = UUID(int=1), UUID(int=2)
    assert IDENTITY.id_for(one) == IDENTITY.__replace__(single_use=True).id_for(one)
    assert len({IDENTITY.id_for(one), IDENTITY.id_for(two), IDENTITY.__replace__(audience=US).id_for(one)}) == 3
