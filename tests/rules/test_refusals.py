"""What the domain refuses, and what each refusal is on the wire."""

from typing import get_args

import pytest
from msgspec import UNSET

from service.endpoints.refusals import problem_of
from service.refusals import (
    AnyDomainRefusal,
    Contradiction,
    DoesNotExist,
    DomainRefusal,
    InvalidValue,
    NotPermitted,
    TooManyAttempts,
    VersionMismatch,
)

REFUSALS: list[tuple[AnyDomainRefusal, int, str]] = [
    (DoesNotExist("You have no bot with this id."), 404, "You have no bot with this id."),
    (Contradiction("This key was published before."), 409, "This key was published before."),
    (NotPermitted("Only an operator may."), 403, "Only an operator may."),
    (VersionMismatch(3, {2}), 412, "The current version is 3, not 2. Read it again."),
    (VersionMismatch(3, {2, 1}), 412, "The current version is 3, not 1 or 2. Read it again."),
    (VersionMismatch(3, set()), 412, "The current version is 3, not any that If-Match names. Read it again."),
    (InvalidValue("An e-mail address is needed."), 400, "An e-mail address is needed."),
    (
        InvalidValue("The redirect URIs must be https.", {"redirect_uris": ["must be https"], "scopes": ["are bad"]}),
        400,
        "The request has faults in: redirectUris, scopes. See errors.",
    ),
    (TooManyAttempts(7), 429, "Too many attempts to sign in; try again in 7 s."),
]


@pytest.mark.parametrize(("refusal", "status", "detail"), REFUSALS, ids=str)
def test_a_refusal_of_the_domain_is_this_problem(refusal: AnyDomainRefusal, status: int, detail: str):
    problem = problem_of(refusal)
    assert (problem.status, problem.detail) == (status, detail)


def test_every_refusal_of_the_domain_is_in_the_union_that_the_checker_counts_and_in_the_table_above():
    assert set(DomainRefusal.__subclasses__()) == set(get_args(AnyDomainRefusal))
    assert {type(refusal) for refusal, _, _ in REFUSALS} == set(get_args(AnyDomainRefusal))


def test_a_field_with_faults_has_the_name_that_the_api_gives_it():
    assert problem_of(InvalidValue("", {"redirect_uris": ["must be https"]})).errors == {
        "redirectUris": ["must be https"]
    }
    assert problem_of(InvalidValue("An e-mail address is needed.")).errors is UNSET


def test_who_tried_too_often_is_told_when_to_try_again_and_no_other_refusal_has_a_header():
    assert [problem_of(refusal).headers for refusal, _, _ in REFUSALS] == [{}] * 8 + [{"Retry-After": "7"}]
