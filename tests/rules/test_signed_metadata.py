"""Signed metadata (RFC 8414 section 2.1, RFC 9728 section 2.2): a JWT with the values of a document, made once with each key."""

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from msgspec import json

from service.endpoints import discovery, resource_metadata
from service.oauth.signed_metadata import OF_RESOURCE, OF_SERVER, SignedMetadata
from service.oauth.signing import ALGORITHMS
from service.oauth.tokens import BadToken, Tokens, read_hint
from tests.rules.keyring import AUDIENCE, ISSUER, NOW
from tests.rules.test_keys import MADE, ring, row, signing

RESOURCE = resource_metadata.management(ISSUER)


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize(("document", "typ"), [(discovery.document(ISSUER), OF_SERVER), (RESOURCE, OF_RESOURCE)])
def test_the_values_are_claims_that_the_published_keys_verify(alg: str, document: dict[str, object], typ: str):
    made = SignedMetadata(ISSUER).of(document, typ, signing(alg), NOW + 0.5)
    read = jwt.decode(made, KeySet.import_key_set(json.decode(ring(*map(row, ALGORITHMS)).jwks())), algorithms=[alg])
    assert read.header == {"alg": alg, "kid": MADE[alg].kid, "typ": typ}
    assert read.claims == {**document, "iss": ISSUER, "iat": NOW}


def test_a_document_is_signed_once_with_each_key():
    metadata, first, second = SignedMetadata(ISSUER), signing("ES256"), signing("EdDSA")
    made = metadata.of(RESOURCE, OF_RESOURCE, first, NOW)
    assert metadata.of(RESOURCE, OF_RESOURCE, first, NOW + 100) == made
    other = metadata.of(resource_metadata.userinfo(ISSUER), OF_RESOURCE, first, NOW)
    rotated = metadata.of(RESOURCE, OF_RESOURCE, second, NOW + 200)
    assert len({made, other, rotated}) == 3
    assert metadata.of(RESOURCE, OF_RESOURCE, second, NOW + 300) == rotated


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_it_is_no_token(alg: str):
    made = SignedMetadata(ISSUER).of(RESOURCE, OF_RESOURCE, signing(alg), NOW)
    known = ring(row(alg))
    with pytest.raises(BadToken):
        Tokens(known, issuer=ISSUER, audience=AUDIENCE).verify(made)
    assert read_hint(known, ISSUER, made) is None
