"""What may be said of somebody (OpenID Connect Core 1.0 section 5.1)."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import json

from service.values.claim_scopes import BY_SCOPE, SUPPORTED
from service.values.profile import (
    ADDRESS_RULES,
    CLAIMS,
    MOST_GROUPS,
    RULES,
    Address,
    Profile,
    changed,
    claims_of,
    fault_of,
    faults,
)

SINCE = datetime(2026, 3, 3, 14, 2, 0, 5, UTC)
BARE = Profile(email="ada@example.com")
FULL = changed(
    BARE,
    {
        "name": "Augusta Ada King",
        "given_name": "Ada",
        "family_name": "King",
        "middle_name": "Byron",
        "nickname": "Ada",
        "preferred_username": "ada",
        "profile": "https://example.com/ada",
        "picture": "https://example.com/ada.png?size=64",
        "website": "http://ada.example/",
        "gender": "female",
        "birthdate": "1815-12-10",
        "zoneinfo": "America/Argentina/Buenos_Aires",
        "locale": "zh-Hant_TW",
        "phone_number": "+44 (20) 7946-0123;ext=5",
        "phone_number_verified": True,
        "address": Address(formatted="12 St James's Square\r\nLondon", country="United Kingdom"),
        "groups": ["engine", "Domain Users", "engine"],
    },
)


def test_what_is_known_of_somebody_is_told_in_the_standard_claims():
    assert faults(FULL) == {}
    assert claims_of(FULL.__replace__(updated_at=7), verified=True, since=SINCE) == {
        **{name: getattr(FULL, name) for name in RULES},
        "phone_number_verified": True,
        "address": {"formatted": "12 St James's Square\r\nLondon", "country": "United Kingdom"},
        "groups": ["engine", "Domain Users"],
        "updated_at": 7,
        "email": "ada@example.com",
        "email_verified": True,
    }


def test_what_is_not_known_is_not_told_and_nobody_changed_since_they_were_registered():
    assert claims_of(BARE, verified=False, since=SINCE) == {
        "email": "ada@example.com",
        "email_verified": False,
        "updated_at": int(SINCE.timestamp()),
    }


def test_every_claim_is_some_scope_s_and_every_scope_s_claim_is_told():
    assert {"sub", *claims_of(FULL, verified=True, since=SINCE)} == set(SUPPORTED)
    assert len(SUPPORTED) == len(set(SUPPORTED))
    assert {name for scope in ("profile", "phone", "address", "groups") for name in BY_SCOPE[scope]} == {
        *CLAIMS,
        "updated_at",
    }


def test_a_profile_that_was_sealed_when_there_were_names_alone_is_read():
    stored = b'{"email":"ada@example.com","name":"Ada"}'
    assert json.decode(stored, type=Profile) == Profile(email="ada@example.com", name="Ada")
    assert json.decode(json.encode(FULL), type=Profile) == FULL


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        *(
            ("name", name)
            for name in ("A" * 201, " Ada", "Ada\u3000", "Ada\u3164", "\u2800", "\u200d", "A\u200bda", "\ud800")
        ),
        *(
            ("picture", url)
            for url in ("javascript:alert(1)", "ada.png", "https://a b", "data:image/png;base64,AA", "https://é")
        ),
        *(("birthdate", date) for date in ("1815-1-1", "10.12.1815", "1815-13-01", "١٨١٥")),
        *(("zoneinfo", zone) for zone in ("+01:00", "Europe/Ber lin", "/etc/passwd")),
        *(("locale", tag) for tag in ("german!", "de-", "d", "de\n")),
        *(("phone_number", number) for number in ("030 901820", "+", "+49 30 90x", "tel:+4930")),
        ("address", Address(country="United\nKingdom")),
        ("address", Address(formatted="a\u2028b")),
        ("address", Address(street_address="\ud800")),
        ("groups", ("",)),
        ("groups", ("a",) * (MOST_GROUPS + 1)),
        ("groups", ("g" * 101,)),
        ("groups", (" admins",)),
        ("groups", ("admins\u3164",)),
    ],
)
def test_what_is_of_another_form_is_refused(claim: str, value: Any):
    assert fault_of(claim, value)


def test_the_published_patterns_say_the_same():
    for rules, said in ((RULES, FULL), (ADDRESS_RULES, FULL.address)):
        for name, rule in rules.items():
            value = getattr(said, name) or ""
            assert re.search(f"^$|{rule.pattern}", value), name


def test_an_empty_text_is_none_and_another_number_is_not_verified():
    assert changed(FULL, {"nickname": "", "groups": None}).nickname is None
    assert changed(FULL, {"groups": None}).groups == ()
    assert not changed(FULL, {"phone_number": "+1 604 555 1234"}).phone_number_verified
    assert changed(FULL, {"phone_number": FULL.phone_number}).phone_number_verified
    assert changed(FULL, {"phone_number": "+1 604", "phone_number_verified": True}).phone_number_verified


def test_a_pattern_takes_linear_time():
    """One of a hundred thousand characters would take hours with a quadratic one."""
    for name, rule in {**RULES, **ADDRESS_RULES}.items():
        for piece in ("a", "a ", "+1", "de-", "1815-"):
            assert not re.fullmatch(rule.pattern, piece * 50_000 + "\0"), name
