"""A key by which a client authenticated is found by what an operator knows of it."""

from base64 import urlsafe_b64decode
from uuid import uuid5

import pytest

from events.client_security import ClientSecurityChanged, Security, WorkloadIdentity
from events.codec import Event
from service.blast_radius.client_keys import credential_in
from service.refusals import DoesNotExist
from tests.rules.samples import KEY_ADDED, KEY_REVOKED, REGISTERED, STREAM
from tests.rules.test_telling import recorded

THUMBPRINT = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
AWAY = Security(token_endpoint_auth_method="private_key_jwt", jwks_uri="https://app.example.com/jwks")
POD = WorkloadIdentity(issuer="https://ci.example", subject="a:pod")


def found(text: str, *events: Event):
    return credential_in([recorded(each) for each in (REGISTERED, *events)], STREAM, text)


def changed(security: Security) -> ClientSecurityChanged:
    return ClientSecurityChanged(security=security, was=Security())


def test_a_registered_key_is_found_by_its_kid_and_its_thumbprint_also_when_it_is_revoked():
    for text in (KEY_ADDED.key.kid, KEY_ADDED.key.thumbprint):
        assert found(text, KEY_ADDED, KEY_REVOKED) == KEY_ADDED.key.key_id


def test_a_key_at_a_url_and_a_certificate_are_found_by_their_thumbprints_in_any_form():
    by_name = Security(token_endpoint_auth_method="tls_client_auth", tls_client_auth_san_dns="a.example")
    in_hex = urlsafe_b64decode(THUMBPRINT + "=").hex(":")
    for security in (AWAY, by_name):
        gone = ClientSecurityChanged(security=Security(), was=security)
        for text in (THUMBPRINT, in_hex, in_hex.upper(), in_hex.replace(":", "")):
            assert found(text, changed(security), gone) == uuid5(STREAM, THUMBPRINT)


def test_a_workload_identity_is_found_by_its_subject_and_its_issuer():
    other = POD.__replace__(issuer="https://other.example")
    one, both = changed(Security(workload_identities=(POD,))), changed(Security(workload_identities=(POD, other)))
    assert found("a:pod", one) == POD.id_for(STREAM)
    assert found("https://other.example a:pod", one, both) == other.id_for(STREAM)
    with pytest.raises(DoesNotExist, match="several workload identities"):
        found("a:pod", both)


def test_what_the_client_never_had_is_refused():
    for text, events in ((THUMBPRINT, ()), ("no-such-kid", (KEY_ADDED, changed(AWAY))), ("a:pod", ())):
        with pytest.raises(DoesNotExist, match="no key with this kid"):
            found(text, *events)
