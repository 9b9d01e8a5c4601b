"""The ring of keys: each of its algorithms signs and verifies, and a key stays as long as what it signed."""

from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any

import jwt as somebody_elses
import pytest
from msgspec import convert, json

from events.signing_key import PublicJwk
from projections.signing_keys import Row
from service.configuration.settings import LONGEST_SESSION, read_settings
from service.oauth import keys
from service.oauth.keys import LEEWAY, KeyRing
from service.oauth.signing import ALGORITHMS, Signer, signer
from service.oauth.tokens import ID_TOKEN_SECONDS, BadToken, Tokens, read_hint, sign, sign_id_token
from service.resources import open_resources
from service.vault import private_keys
from tests.rules.keyring import AUDIENCE, CLAIMS, ISSUER
from tests.rules.samples import AT, PERSON, STREAM

SEAL = private_keys.wrapping(b"k" * 32)
MADE = {alg: keys.generate(SEAL, STREAM, alg) for alg in ALGORITHMS}
HOUR = timedelta(hours=1)
HINT = {"iss": ISSUER, "sub": str(PERSON), "aud": "oauth_client_0"}


def row(alg: str, *, retired_for: timedelta | None = None) -> Row:
    return Row(
        stream_id=STREAM,
        kid=MADE[alg].kid,
        alg=alg,
        public_jwk=MADE[alg].public_jwk,
        state="active",
        published_at=AT,
        activated_at=AT,
        retired_at=None if retired_for is None else datetime.now(UTC) - retired_for,
        version=2,
    )


def ring(*rows: Row) -> KeyRing:
    made = KeyRing(b"k" * 32, longest_token=HOUR, longest_session=timedelta(seconds=LONGEST_SESSION))
    made.know(list(rows))
    return made


def signing(alg: str) -> Signer:
    key = keys._imported(alg, private_keys.unwrap(SEAL, STREAM, MADE[alg].wrapped)).private_key
    assert key is not None
    return signer(MADE[alg].kid, alg, key)


def test_each_algorithm_signs_access_tokens_that_we_and_another_library_find_good():
    known = ring(*map(row, ALGORITHMS))
    published = somebody_elses.PyJWKSet.from_dict(json.decode(known.jwks()))
    for alg in ALGORITHMS:
        token = sign(signing(alg), CLAIMS)
        assert Tokens(known, issuer=ISSUER, audience=AUDIENCE).verify(token).sub == CLAIMS.sub
        claims = somebody_elses.decode(token, published[MADE[alg].kid], algorithms=[alg], audience=AUDIENCE)
        assert claims["client_id"] == CLAIMS.client_id
        assert somebody_elses.get_unverified_header(token) == {"alg": alg, "kid": MADE[alg].kid, "typ": "at+jwt"}


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_token_is_of_the_algorithm_of_its_key_and_of_no_other(alg: str):
    others = [other for other in ALGORITHMS if other != alg]
    confused = ring(*(row(other).__replace__(kid=MADE[alg].kid) for other in others[:1]))
    with pytest.raises(BadToken):
        Tokens(confused, issuer=ISSUER, audience=AUDIENCE).verify(sign(signing(alg), CLAIMS))


@pytest.mark.parametrize(
    ("retired_for", "published", "for_hints"),
    [
        pytest.param(None, True, True, id="that signs"),
        pytest.param(HOUR, True, True, id="whose last token may be alive"),
        pytest.param(2 * HOUR, False, True, id="whose tokens are gone and sessions are not"),
        pytest.param(timedelta(days=91), False, False, id="of which nothing is left"),
    ],
)
def test_a_key(retired_for: timedelta | None, published: bool, for_hints: bool):
    known = ring(row("RS256", retired_for=retired_for))
    kid = MADE["RS256"].kid
    assert [key["kid"] for key in json.decode(known.jwks())["keys"]] == ([kid] if published else [])
    assert (known.verifier(kid) is not None) == published
    hint = sign_id_token(signing("RS256"), HINT)
    assert (read_hint(known, ISSUER, hint) is not None) == for_hints


def test_the_keys_verify_the_same_tokens_until_the_first_of_the_retired_ones_ceases_to():
    assert ring(row("ES256")).until() == inf
    earlier, later, gone = (
        row("RS256", retired_for=HOUR),
        row("EdDSA", retired_for=HOUR / 2),
        row("ES256", retired_for=2 * HOUR),
    )
    known = ring(earlier, later, gone)
    assert earlier.retired_at is not None
    assert known.until() == (earlier.retired_at + HOUR + LEEWAY).timestamp()


async def test_a_key_outlives_its_id_tokens_where_access_tokens_are_short():
    brief = read_settings({}).__replace__(token_lifetime=60)
    async with open_resources(brief, "postgresql://127.0.0.1/none", b"k" * 32) as resources:
        resources.ring.know([row("RS256", retired_for=timedelta(seconds=ID_TOKEN_SECONDS))])
        assert resources.ring.verifier(MADE["RS256"].kid) is not None


def test_a_key_of_an_algorithm_of_a_later_version_is_left_out():
    later: dict[str, Any] = {"kty": "AKP", "n": "x"}
    assert json.decode(
        ring(row("ES256").__replace__(alg="ML-DSA-44", public_jwk=convert(later, PublicJwk))).jwks()
    ) == {"keys": []}
