"""How lately somebody has to have proved who they are to the upstream provider."""

from typing import Any

import pytest

from service.configuration.upstream import STANDARD, Upstream, mapped
from service.oauth.federation import Begun, UpstreamStale, joined, lacks, proved_at

LEFT, BACK = 1_800_000_000.0, 1_800_000_020.0


def begun(max_age: int | None) -> Begun:
    return Begun(state="s", nonce="n", verifier="v", at=LEFT, max_age=max_age)


@pytest.mark.parametrize(
    ("max_age", "auth_time", "at"),
    [
        pytest.param(None, LEFT - 3600, LEFT - 3570, id="an older proof is good where nobody asked for a new one"),
        pytest.param(None, BACK - 5, BACK, id="within what clocks differ by, the proof is of now"),
        pytest.param(None, BACK + 3600, BACK, id="it is never later than now"),
        pytest.param(None, None, None, id="a provider need not say when"),
        pytest.param(None, "yesterday", None, id="or says it so that nobody understands"),
        pytest.param(None, True, None, id="in another type"),
        pytest.param(None, float("nan"), None, id="or in no number"),
        pytest.param(None, 10**400, None, id="or in too large a one"),
        pytest.param(0, LEFT + 10, BACK, id="a new proof is one from after the browser left"),
        pytest.param(0, LEFT - 30, LEFT, id="by the provider's clock, which may be slow"),
        pytest.param(60, LEFT - 90, LEFT - 60, id="one of a minute ago is good where a minute was said"),
    ],
)
def test_a_proof_is_taken_for_what_it_is(max_age: int | None, auth_time: Any, at: float | None):
    assert proved_at(auth_time, begun(max_age), BACK) == at


@pytest.mark.parametrize(
    ("max_age", "auth_time"),
    [
        pytest.param(0, LEFT - 31, id="an older proof where a new one was asked for"),
        pytest.param(0, None, id="no word of when, where a new one was asked for"),
        pytest.param(0, str(LEFT), id="a moment that is no number"),
        pytest.param(60, LEFT - 91, id="one of longer ago than a minute where a minute was said"),
        pytest.param(3600, None, id="no word of when, where an hour was said"),
    ],
)
def test_who_asked_for_a_newer_one_is_given_no_older(max_age: int, auth_time: Any):
    with pytest.raises(UpstreamStale):
        proved_at(auth_time, begun(max_age), BACK)


@pytest.mark.parametrize(
    ("mapping", "scope", "claims", "lacking"),
    [
        pytest.param("", "openid profile email", "name email", False, id="what the scopes are for is there"),
        pytest.param("", "openid profile email", "name", True, id="an address was asked for"),
        pytest.param("", "openid", "", False, id="nothing was asked for"),
        pytest.param("", "openid phone", "name", True, id="a phone number was asked for"),
        pytest.param("", "openid groups", "", False, id="nobody said which claim the groups are"),
        pytest.param("groups=roles", "openid", "groups", True, id="a claim that the operator named is not there"),
        pytest.param("groups=roles nickname=nickname", "openid", "roles", False, id="it is there"),
    ],
)
def test_userinfo_is_asked_where_the_id_token_lacks_a_claim(mapping: str, scope: str, claims: str, *, lacking: bool):
    upstream = Upstream(issuer="i", client_id="c", client_secret="s", claims=mapped(mapping)[0], scope=scope)
    assert lacks(dict.fromkeys(claims.split()), upstream) is lacking


def test_an_address_is_verified_by_the_answer_that_has_it():
    id_token = {"email": "a@example.com", "email_verified": True, "name": "A"}
    assert joined(id_token, {"email": "b@example.com", "name": "B"}, STANDARD) == {
        "email": "b@example.com",
        "name": "B",
    }
    assert joined({"email": "a@example.com"}, {"email_verified": True}, STANDARD) == {"email": "a@example.com"}
    assert joined({}, {"email": "b@example.com", "email_verified": True}, STANDARD)["email_verified"] is True
