"""Authlib's stock behaviour where people log in, locked, and what Muniment makes of it: codes, PKCE, refresh tokens, redirects, ID tokens.

Each `stock` test fails when an upgrade of Authlib changes what we rely on or close; each other test says how it is closed.
"""

import inspect
from datetime import timedelta
from hashlib import sha256
from typing import Any, cast
from uuid import UUID

import pytest
from authlib.oauth2.rfc6749 import OAuth2Request, RefreshTokenGrant
from authlib.oauth2.rfc6749.errors import InvalidRequestError, UnsupportedResponseTypeError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9101 import authorization_server as jar
from authlib.oidc.core.grants import code as openid_code
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.util import urlsafe_b64encode

from events.authorization import AuthorizationGranted, Authorized, CodeIssued, RefreshToken
from projections.clients import Found
from service.crypto import opaque_tokens
from service.crypto.credentials import hash_secret
from service.grants.client_authentication import NONE, PresentedCredentials, authenticated
from service.oauth import authlib_server
from service.oauth.authlib_grants import GRANTS, OTHER_REDIRECT_URI
from service.oauth.authlib_server import Facts, by_authlib, decide, plainly
from service.oauth.authorize import NOT_OFFERED, Redirected, checked
from service.oauth.errors import Gone, InvalidClient, MissingVerifier, Refusal, Refused, Shown
from service.oauth.request_parameters import RequestParameters, parse
from tests.rules.keyring import ISSUER
from tests.rules.samples import AT, STREAM
from tests.rules.test_authentication import MINE, found

URI = "https://app.example.com/cb"
VERIFIER = "v" * 43


def challenge_of(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).decode()


CHALLENGE = challenge_of(VERIFIER)
CODE = opaque_tokens.make(opaque_tokens.CODE, STREAM).reveal()
REFRESH = opaque_tokens.make(opaque_tokens.REFRESH_TOKEN, STREAM).reveal()
GRANTED = AuthorizationGranted(
    client=STREAM,
    user=STREAM,
    session=STREAM,
    scopes=("openid", "email"),
    resource=None,
    nonce=None,
    auth_time=AT,
    acr="urn:muniment:acr:1",
    amr=("pwd",),
)
ISSUED = CodeIssued(
    hash=hash_secret(CODE),
    redirect_uri=URI,
    named=True,
    code_challenge=CHALLENGE,
    expires_at=AT + timedelta(minutes=1),
    at=AT,
)
AUTHORIZED = Authorized(
    granted=GRANTED, code=ISSUED, refresh=RefreshToken(hash=hash_secret(REFRESH), expires_at=AT + timedelta(days=1))
)
PERSONS = found(grant_type="authorization_code")


def facts_of(presented: PresentedCredentials | None = MINE, found: Found | None = PERSONS) -> Facts:
    return Facts(issuer=ISSUER, client=authenticated(presented, found, AT), authorized=AUTHORIZED)


FACTS = facts_of()
FORM = {"grant_type": "authorization_code", "code": CODE, "redirect_uri": URI, "code_verifier": VERIFIER}
AGAIN = {"grant_type": "refresh_token", "refresh_token": REFRESH}


def refused(form: dict[str, str], facts: Facts = FACTS) -> Refusal:
    with pytest.raises(Refusal) as caught:
        decide(facts, form)
    return caught.value


def said_of(asked: RequestParameters, client: Found | None) -> str:
    """What a client is told, or a person shown; nothing when nothing is wrong."""
    try:
        checked(asked, client)
    except Redirected as fault:
        return fault.redirect.params["error_description"]
    except Shown as fault:
        return f"{fault.title} {' '.join(fault.details)}"
    return ""


def stock_request(params: dict[str, str]) -> Any:
    request: Any = OAuth2Request("GET", "https://id.example.com/openid/authorize")
    request.payload = BasicOAuth2Payload(params)
    return request


class TestPkce:
    def test_stock_lets_a_challenge_be_plain_by_leaving_the_method_out(self):
        assert CodeChallenge.DEFAULT_CODE_CHALLENGE_METHOD == "plain"
        assert "plain" in CodeChallenge.SUPPORTED_CODE_CHALLENGE_METHOD

    def test_stock_asks_nobody_for_a_challenge_at_the_authorization_endpoint(self):
        grant: Any = type("Grant", (), {"request": stock_request({})})()
        assert CodeChallenge(required=True).validate_code_challenge(grant, URI) is None

    @pytest.mark.parametrize(
        ("change", "error"),
        [
            pytest.param({"code_verifier": "w" * 43}, "invalid_grant", id="another"),
            pytest.param({"code_verifier": CHALLENGE}, "invalid_grant", id="the challenge itself, as with plain"),
            pytest.param({"code_verifier": "v"}, "invalid_request", id="too short"),
        ],
    )
    def test_here_a_code_takes_the_verifier_that_it_was_asked_for_with(self, change: dict[str, str], error: str):
        refusal = refused({**FORM, **change})
        assert refusal.error == error
        assert refusal.description.startswith("The code_verifier ")

    def test_here_a_request_without_any_verifier_is_told_apart_for_its_code_is_not_spent(self):
        form = {name: value for name, value in FORM.items() if name != "code_verifier"}
        assert isinstance(refused(form), MissingVerifier)
        public = found(grant_type="authorization_code", public=True, secrets=())
        nothing = PresentedCredentials(client_id=MINE.client_id, client_secret=None, method=NONE)
        assert isinstance(refused(form, facts_of(presented=nothing, found=public)), MissingVerifier)

    def test_here_a_verifier_for_a_code_without_a_challenge_is_refused(self):
        bare = AUTHORIZED.__replace__(code=ISSUED.__replace__(code_challenge=None))
        refusal = refused(FORM, FACTS.__replace__(authorized=bare))
        assert (type(refusal), refusal.error) == (Refused, "invalid_request")
        assert "had no code_challenge" in refusal.description


class TestTheCode:
    def test_stock_leaves_binding_expiry_and_reuse_to_a_hook_that_it_has_not(self):
        with pytest.raises(NotImplementedError):
            AuthorizationCodeGrant(stock_request({}), None).query_authorization_code("code", cast("Any", None))

    def test_here_it_is_bound_to_its_client_and_its_redirect_uri(self):
        assert decide(FACTS, FORM).sub == str(STREAM)
        other = AUTHORIZED.__replace__(granted=GRANTED.__replace__(client=AUTHORIZED.granted.user.__class__(int=9)))
        assert refused(FORM, FACTS.__replace__(authorized=other)).error == "invalid_grant"
        elsewhere = refused({**FORM, "redirect_uri": f"{URI}/"})
        assert (elsewhere.error, elsewhere.description) == ("invalid_grant", OTHER_REDIRECT_URI)
        assert isinstance(refused({**FORM, "code": opaque_tokens.make(opaque_tokens.CODE, STREAM).reveal()}), Gone)
        assert isinstance(refused(FORM, FACTS.__replace__(authorized=None)), Gone)

    def test_here_what_is_missing_is_named(self):
        assert "The parameter code is missing." in refused({"grant_type": "authorization_code"}).description
        assert "The parameter refresh_token is missing." in refused({"grant_type": "refresh_token"}).description

    def test_here_a_redirect_uri_that_was_not_named_at_first_need_not_be_named_again(self):
        unnamed = AUTHORIZED.__replace__(code=ISSUED.__replace__(named=False))
        form = {name: value for name, value in FORM.items() if name != "redirect_uri"}
        assert decide(FACTS.__replace__(authorized=unnamed), form).scope == "openid email"


class TestRefreshing:
    def test_stock_does_not_rotate(self):
        assert RefreshTokenGrant.INCLUDE_NEW_REFRESH_TOKEN is False

    def test_here_it_is_bound_to_its_client_and_gives_no_more_than_was_allowed(self):
        assert decide(FACTS, AGAIN).scope == "openid email"
        assert decide(FACTS, {**AGAIN, "scope": "email"}).scope == "email"
        assert decide(FACTS, {**AGAIN, "scope": " email  openid "}).scope == "email openid"
        assert refused({**AGAIN, "scope": "email api:public"}).error == "invalid_scope"
        other = AUTHORIZED.__replace__(granted=GRANTED.__replace__(client=AUTHORIZED.granted.user.__class__(int=9)))
        assert refused(AGAIN, FACTS.__replace__(authorized=other)).error == "invalid_grant"

    def test_here_what_the_client_may_not_ask_for_is_left_out_as_at_the_authorization_endpoint(self):
        for scope in ("roles email", "clients:write email"):
            assert decide(FACTS, {**AGAIN, "scope": scope}).scope == "email"
        assert "They allowed: openid email." in refused({**AGAIN, "scope": "roles"}).description
        assert "The person did not allow: offline_access." in refused({**AGAIN, "scope": "offline_access"}).description


class TestThePublicClient:
    def test_here_it_shows_no_secret_and_no_other_client_may_do_without(self):
        nothing = PresentedCredentials(client_id=MINE.client_id, client_secret=None, method=NONE)
        public = found(grant_type="authorization_code", public=True, secrets=())
        assert decide(facts_of(presented=nothing, found=public), FORM).sub == str(STREAM)
        assert isinstance(refused(FORM, facts_of(presented=nothing)), InvalidClient)
        assert isinstance(refused(FORM, facts_of(found=public)), InvalidClient)


class TestOddInputAtTheAuthorizationEndpoint:
    @pytest.mark.parametrize("name", ["response_type", "redirect_uri"])
    def test_stock_fails_at_characters_that_may_not_be_in_an_error(self, name: str):
        with pytest.raises(ValueError, match="Error description"):
            UnsupportedResponseTypeError('"', '"').get_body() if name == "response_type" else InvalidRequestError(
                'Redirect URI " is not supported'
            ).get_body()

    @pytest.mark.parametrize("odd", ['"', "\\", "ü", "\x00", "\ud7ff", " "])
    @pytest.mark.parametrize(
        "name", ["response_type", "redirect_uri", "client_id", "scope", "state", "nonce", "prompt"]
    )
    def test_here_they_are_told_or_shown_plainly(self, name: str, odd: str):
        params = {
            "client_id": PERSONS.client.client_id,
            "redirect_uri": URI,
            "response_type": "code",
            "scope": "openid",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            name: odd,
        }
        asked = RequestParameters(params=params, twice=(), issuer=ISSUER, now=0)
        client = PERSONS.__replace__(client=PERSONS.client.__replace__(redirect_uris=(URI,)))
        assert said_of(asked, None if name == "client_id" else client).isascii()

    def test_here_what_comes_twice_is_named(self):
        assert parse(b"a=1&b=2&a=3") == ({"a": "3", "b": "2"}, ("a",))
        with pytest.raises(Shown):
            parse(b"a=%ff")
        with pytest.raises(Shown):
            parse(b"&".join(b"a%d=1" % n for n in range(51)))


class TestRequestObjects:
    def test_stock_takes_unsigned_ones(self):
        assert '"none"' in inspect.getsource(jar)

    def test_here_they_are_not_offered(self):
        assert NOT_OFFERED["request"] == "request_not_supported"
        assert NOT_OFFERED["request_uri"] == "request_uri_not_supported"


class TestIdTokens:
    def test_stock_s_are_none_of_ours(self):
        """(It leaves auth_time, acr and amr to the code model; ours are the login's, from the log.)"""
        assert not any(issubclass(grant, openid_code.OpenIDToken) for grant, _ in GRANTS)


OTHER_CODE = opaque_tokens.make(opaque_tokens.CODE, STREAM).reveal()
CODES = st.none() | st.builds(
    ISSUED.__replace__,
    hash=st.sampled_from([ISSUED.hash, hash_secret(OTHER_CODE)]),
    redirect_uri=st.sampled_from([URI, ""]),
    named=st.booleans(),
    code_challenge=st.sampled_from([CHALLENGE, VERIFIER, None]),
)
AUTHORIZATIONS = st.sampled_from([AUTHORIZED, None]) | st.builds(
    AUTHORIZED.__replace__,
    granted=st.builds(
        GRANTED.__replace__,
        client=st.sampled_from([STREAM, UUID(int=9)]),
        scopes=st.lists(st.sampled_from(["openid", "email", "api:public"])).map(tuple),
    ),
    code=CODES,
    refresh=st.sampled_from([AUTHORIZED.refresh, None]),
)
PERSONS_CLIENTS = st.sampled_from([FACTS.client, None]) | st.builds(
    lambda kind, method: (
        FACTS.client and FACTS.client.__replace__(row=FACTS.client.row.__replace__(grant_type=kind), method=method)
    ),
    st.sampled_from(["authorization_code", "client_credentials"]),
    st.sampled_from([NONE, "client_secret_basic"]),
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "grant_type": st.sampled_from(["authorization_code", "refresh_token"]),
        "code": st.sampled_from([CODE, OTHER_CODE, REFRESH]) | st.text(),
        "refresh_token": st.sampled_from([REFRESH, CODE]) | st.text(),
        "redirect_uri": st.sampled_from([URI, "https://evil.example/cb"]),
        "code_verifier": st.sampled_from([VERIFIER, f"{VERIFIER}\n", "w" * 43, "v" * 129, "é" * 43]),
        "scope": st.sampled_from(["openid", "email openid", "other", " "]),
    },
)


FORMS = st.builds(lambda form, changes: {**form, **changes}, st.sampled_from([FORM, AGAIN, {}]), st.just({}) | CHANGES)


class TestThePlainExchange:
    """A code with all that belongs to it, or a refresh token for all scopes, is decided without Authlib."""

    @settings(max_examples=600)
    @given(PERSONS_CLIENTS, AUTHORIZATIONS, FORMS)
    def test_it_is_granted_what_authlib_grants_it_and_nothing_else_is_granted(self, client, authorized, form):
        facts = Facts(issuer=ISSUER, client=client, authorized=authorized)
        granted = plainly(facts, form)
        assert granted is None or granted == by_authlib(facts, form)

    @pytest.mark.parametrize(
        ("form", "code"),
        [
            pytest.param({**FORM, "redirect_uri": f"{URI}/"}, ISSUED, id="another redirect URI"),
            pytest.param({**FORM, "code": OTHER_CODE}, ISSUED, id="another code"),
            pytest.param({**FORM, "code_verifier": "w" * 43}, ISSUED, id="another verifier"),
            *(
                pytest.param(
                    {**FORM, "code_verifier": odd},
                    ISSUED.__replace__(code_challenge=challenge_of(odd)),
                    id=f"a verifier like {odd[-2:]!r}, {len(odd)}",
                )
                for odd in ("v" * 42, "v" * 129, f"{VERIFIER}+", f"{VERIFIER}\n")
            ),
            pytest.param({**AGAIN, "scope": "openid"}, ISSUED, id="a refresh token for some scopes"),
            pytest.param({**AGAIN, "refresh_token": CODE}, ISSUED, id="a code for a refresh token"),
        ],
    )
    def test_to_what_is_not_plain_it_says_nothing(self, form: dict[str, str], code: CodeIssued):
        assert plainly(FACTS.__replace__(authorized=AUTHORIZED.__replace__(code=code)), form) is None

    @pytest.mark.parametrize("form", [FORM, AGAIN], ids=["a code", "a refresh token"])
    def test_it_is_decided_without_authlib(self, form: dict[str, str], monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(authlib_server, "by_authlib", None)
        assert decide(FACTS, form).scope == "openid email"
