"""The options of `muniment clients create` and `edit`, as fields of the API's requests."""

import pytest
from msgspec import UNSET

from events.client_security import AssertionPolicy, ExchangePolicy, Security, WorkloadIdentity
from service.cli.authentication_options import NAMES, changed_names, names_of, workloads_of
from service.cli.client_options import OPTIONS
from service.cli.event_text import changed_terms
from service.cli.fault import Plainly
from service.cli.request_fields import in_options
from service.commands.key import NO_KEYS, NO_WORKLOAD, ONE_NAME
from service.endpoints.client_schemas import CreateOAuthClientRequest
from service.endpoints.client_settings import ChangeOAuthClientRequest
from service.endpoints.workload_fields import WorkloadIdentityFields

CI, SUBJECT, US = "https://ci.example.com", "repo:acme/crm:ref:refs/heads/main", "https://auth.example.com"
NOT_OPTIONS = {"m2m", "clientId", "clientSecret", "clientSecretHash"}
"""`--interactive` says the first; the others are what `muniment clients import` reads."""


def test_every_setting_of_a_client_is_an_option():
    fields = {
        *CreateOAuthClientRequest.__struct_encode_fields__,
        *ChangeOAuthClientRequest.__struct_encode_fields__,
    }
    assert fields - OPTIONS.keys() == NOT_OPTIONS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{CI} {SUBJECT}", WorkloadIdentityFields(issuer=CI, subject=SUBJECT)),
        (f"{CI} {SUBJECT} audience={US}", WorkloadIdentityFields(issuer=CI, subject=SUBJECT, audience=US)),
        (f"{CI} {SUBJECT} single-use", WorkloadIdentityFields(issuer=CI, subject=SUBJECT, single_use=True)),
        (
            f"{CI} {SUBJECT} single-use audience={US}?a=b",
            WorkloadIdentityFields(issuer=CI, subject=SUBJECT, audience=f"{US}?a=b", single_use=True),
        ),
    ],
)
def test_a_workload_is_an_issuer_and_a_subject_and_what_else_its_tokens_need(
    text: str, expected: WorkloadIdentityFields
):
    assert workloads_of([text, ""]) == [expected]


@pytest.mark.parametrize(
    "text", [CI, f"{CI} {SUBJECT} {US}", f"{CI} {SUBJECT} single-use single-use", f"{CI} a audience=b audience=c"]
)
def test_a_workload_that_is_not_understood_is_refused(text: str):
    with pytest.raises(Plainly, match="--workload is an issuer and a subject"):
        workloads_of([text])


def test_the_name_of_a_certificate_takes_the_place_of_any_other():
    given = names_of("uri:https://crm.example.com")
    assert given == {**dict.fromkeys(NAMES.values()), "tls_client_auth_san_uri": "https://crm.example.com"}
    assert changed_names("uri:https://crm.example.com") == given
    assert changed_names("") == dict.fromkeys(NAMES.values())
    assert changed_names(None) == dict.fromkeys(NAMES.values(), UNSET)


@pytest.mark.parametrize("text", ["crm.example.com", "dns:", "cn:crm", ":"])
def test_a_name_without_its_kind_is_refused(text: str):
    with pytest.raises(Plainly, match="--certificate-name is a kind"):
        names_of(text)


def test_refusals_name_options():
    assert in_options(ONE_NAME, OPTIONS) == "tls_client_auth needs --certificate-name"
    assert in_options(NO_KEYS, OPTIONS) == (
        "private_key_jwt needs a key: send --jwks with at least one public key, or --jwks-uri"
    )
    assert in_options(NO_WORKLOAD, OPTIONS).startswith("workload_identity needs --workload: the issuer")
    assert in_options("dpopBoundAccessTokens: true, tokenEndpointAuthMethod: private_key_jwt", OPTIONS) == (
        "--dpop-bound yes, --auth-method private_key_jwt"
    )


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (WorkloadIdentity(issuer=CI, subject="a:b"), f"a:b of {CI}"),
        (
            WorkloadIdentity(issuer=CI, subject="a:b", audience=US, single_use=True),
            f"a:b of {CI} for {US} (each token once)",
        ),
        (
            ExchangePolicy(clients=("app",), issuers=(CI,), audiences=("urn:crm",), scopes=("read", "write")),
            f"tokens of app {CI} for urn:crm with read write",
        ),
        (
            ExchangePolicy(clients=("app",), audiences=("urn:crm",), scopes=("read",), impersonation=True),
            "tokens of app for urn:crm with read (as the subject alone)",
        ),
        (AssertionPolicy(audience=US, client_id="there"), f"there at {US} with no scope"),
    ],
)
def test_a_history_tells_what_a_client_may_do_in_words(part: object, words: str):
    assert changed_terms(_with(part)).endswith(f" {words}")


def _with(part: object) -> Security:
    match part:
        case WorkloadIdentity():
            return Security(workload_identities=(part,))
        case ExchangePolicy():
            return Security(token_exchange=(part,))
        case AssertionPolicy():
            return Security(identity_assertions=(part,))
        case _:
            raise AssertionError(part)
