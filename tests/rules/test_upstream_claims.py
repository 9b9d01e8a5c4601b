"""Which of the upstream provider's claims are taken for what, and which of their values."""

from typing import Any

import pytest

from service.configuration.upstream import STANDARD, mapped
from service.people.upstream_claims import told
from service.values.profile import LONGEST_NAME, MOST_GROUPS, Address


def taken(mapping: str = "", /, **claims: Any) -> dict[str, Any]:
    said = told(claims, mapped(mapping)[0])
    assert said.faults == ()
    return dict(said.changes)


def test_standard_claims_are_taken_by_their_names_and_others_not_at_all():
    claims = {"name": "Ada", "locale": "de-AT", "birthdate": "1815", "picture": "https://op.example/a.png"}
    assert taken(**claims, sub="42", roles=["admin"], updated_at=1) == claims


def test_another_claim_can_be_named_for_each_and_is_then_the_only_one():
    assert taken("nickname=display_name", nickname="a", display_name="b") == {"nickname": "b"}
    assert taken("nickname=display_name", nickname="a") == {}


@pytest.mark.parametrize("absent", [None, "", "  ", {}])
def test_a_claim_without_a_value_changes_nothing(absent: Any):
    assert taken(name=None if absent == {} else absent, address=None if isinstance(absent, str) else absent) == {}


@pytest.mark.parametrize(
    ("given", "groups"),
    [
        (["a", "b", "a"], ("a", "b")),
        ("a", ("a",)),
        ([], ()),
        (None, ()),
    ],
)
def test_groups_are_those_of_the_claim_that_is_named_and_none_where_it_is_absent(given: Any, groups: tuple[str, ...]):
    assert taken("groups=roles", roles=given, groups=["other"]) == {"groups": groups}


def test_groups_are_not_taken_where_no_claim_is_named_for_them():
    assert taken(groups=["admin"]) == {}


def test_an_address_is_taken_as_a_whole():
    given = {"street_address": "1 High St\nFlat 2", "country": "UK", "planet": "Earth"}
    assert taken(address=given) == {"address": Address(street_address="1 High St\nFlat 2", country="UK")}


@pytest.mark.parametrize("verified", [True, "true"])
def test_a_number_comes_with_the_word_that_it_is_verified(verified: Any):
    number = {"phone_number": "+49 30 901820"}
    assert taken(**number, phone_number_verified=verified) == {**number, "phone_number_verified": True}
    assert taken(phone_number_verified=verified) == {}


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("name", 42),
        ("name", "a" * (LONGEST_NAME + 1)),
        ("name", "\u202eada"),
        ("name", "\ud800"),
        ("picture", "javascript:alert(1)"),
        ("birthdate", "yesterday"),
        ("phone_number", "12"),
        ("phone_number_verified", "perhaps"),
        ("address", "1 High St"),
        ("address", {"country": 1}),
        ("address", {"country": "a\nb"}),
    ],
)
def test_a_value_that_cannot_be_used_is_left_out_and_its_claim_named(claim: str, value: Any):
    said = told({"nickname": "ada", claim: value}, STANDARD)
    assert (said.changes, said.faults) == ({"nickname": "ada"}, (claim,))


@pytest.mark.parametrize(
    ("given", "groups"),
    [
        (["a", 1, "", "\u3164", "b"], ("a", "b")),
        ([str(number) for number in range(MOST_GROUPS + 1)], ()),
        ({"a": True}, ()),
        (7, ()),
    ],
)
def test_of_groups_those_that_can_be_names_are_taken_unless_they_are_too_many(given: Any, groups: tuple[str, ...]):
    said = told({"roles": given}, {**STANDARD, "groups": "roles"})
    assert (said.changes, said.faults) == ({"groups": groups}, ("roles",))


@pytest.mark.parametrize(
    ("claims", "email"),
    [
        ({"email": "ada@example.com", "email_verified": True}, "ada@example.com"),
        ({"email": "ada@example.com", "email_verified": "true"}, "ada@example.com"),
        ({"email": "ada@example.com", "email_verified": False}, None),
        ({"email": "ada@example.com"}, None),
        ({"email": "ada", "email_verified": True}, None),
        ({"email": ["ada@example.com"], "email_verified": True}, None),
        ({"email_verified": True}, None),
    ],
)
def test_an_address_is_taken_where_the_provider_verified_it(claims: dict[str, Any], email: str | None):
    assert told(claims, STANDARD).email == email


def test_the_provider_may_say_by_another_claim_that_an_address_is_verified():
    claims = {"upn": "ada@example.com", "xms_edov": True}
    assert told(claims, mapped("email=upn email_verified=xms_edov")[0]).email == "ada@example.com"
