"""Authlib's stock behaviour, locked, and what Muniment makes of it: a test per row of the table in the decisions about Authlib.

Each `stock` test fails when an upgrade of Authlib changes what we rely on or close; each other test says how it is closed.
"""

import base64
import logging
from contextlib import suppress
from datetime import datetime, timedelta
from hmac import compare_digest
from importlib.metadata import version
from typing import Any, cast

import pytest
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientCredentialsGrant,
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    OAuth2Request,
    UnsupportedGrantTypeError,
    UnsupportedTokenTypeError,
)
from authlib.oauth2.rfc6749.authenticate_client import ClientAuthentication
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oauth2.rfc9068 import JWTIntrospectionEndpoint, JWTRevocationEndpoint
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.clients import Found
from service import app
from service.grants.client_authentication import PresentedCredentials, authenticated, parse_credentials
from service.oauth import authlib_grants, authlib_server
from service.oauth.authlib_server import Facts, NotLoaded, TokenGrant, by_authlib, decide, plainly
from service.oauth.errors import CHALLENGE, InvalidClient, InvalidRequest, Refusal, Refused
from service.oauth.form import FORM, parse
from service.oauth.targets import Resource, Target
from tests.rules.keyring import ISSUER, ring, signer
from tests.rules.samples import AT, STREAM, secret
from tests.rules.test_authentication import FOUND, MINE, basic, found
from tests.rules.test_tokens import GOOD


def facts_of(presented: PresentedCredentials | None = MINE, found: Found | None = FOUND, now: datetime = AT) -> Facts:
    return Facts(issuer=ISSUER, client=authenticated(presented, found, now))


FACTS = facts_of()
ASK = {"grant_type": "client_credentials"}
BY_AUTHLIB = {**ASK, "scope": "api:other"}
"""No plain request, which is decided without Authlib."""


def stock_request(body: dict[str, str], **headers: str) -> Any:
    request: Any = OAuth2Request("POST", "https://id.example.com/openid/token", headers=headers)
    request.payload = BasicOAuth2Payload(body)
    return request


class StockRequest(OAuth2Request):
    """As Authlib's Flask integration has it, where the form is the body's."""

    @property
    def form(self) -> Any:
        return self.payload.data  # pyright: ignore[reportOptionalMemberAccess]


class StockClient:
    """The client of Authlib's documentation."""

    def check_client_secret(self, text: str) -> bool:
        return compare_digest("secret", text)

    def check_endpoint_auth_method(self, _method: str, _endpoint: str) -> bool:
        return True

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(s for s in (scope or "").split() if s == "api:public")


def stock_authentication(body: dict[str, str], methods: list[str], **headers: str) -> Any:
    request: Any = StockRequest("POST", "https://id.example.com/openid/token", headers=headers)
    request.payload = BasicOAuth2Payload(body)
    find: Any = {"me": StockClient()}.get
    return ClientAuthentication(find)(request, methods)


def refused(form: dict[str, str], facts: Facts = FACTS) -> Refusal:
    with pytest.raises(Refusal) as caught:
        decide(facts, form)
    return caught.value


def outcome_of(form: dict[str, str]) -> TokenGrant | Refusal:
    try:
        return decide(FACTS, form)
    except Refusal as refusal:
        return refusal


def test_the_version_is_one_that_these_tests_were_run_against():
    major, minor, *_ = version("authlib").split(".")
    assert (int(major), int(minor)) >= (1, 9)
    assert int(major) < 2


class TestTheSeedsFormPost:
    def test_stock_takes_basic_alone_for_client_credentials_revocation_and_introspection(self):
        assert ClientCredentialsGrant.TOKEN_ENDPOINT_AUTH_METHODS == ["client_secret_basic"]
        assert RevocationEndpoint.CLIENT_AUTH_METHODS == ["client_secret_basic"]
        assert IntrospectionEndpoint.CLIENT_AUTH_METHODS == ["client_secret_basic"]
        with pytest.raises(InvalidClientError):
            stock_authentication({"client_id": "me", "client_secret": "secret"}, ["client_secret_basic"])

    @pytest.mark.parametrize(
        ("authorization", "form"),
        [(None, {"client_id": "me", "client_secret": "secret"}), (basic("me:secret"), {})],
        ids=["in the body", "in the header"],
    )
    def test_both_are_taken_here(self, authorization, form):
        given_ = parse_credentials(authorization, form)
        granted = decide(facts_of(presented=given_), {**ASK, **form})
        assert granted == TokenGrant(
            client=STREAM,
            client_id=f"oauth_client_{STREAM.hex}",
            sub="bot-abc123",
            scope="api:public",
            secret=secret(1).secret_id,
        )


class TestLifetimes:
    def test_stock_lets_a_token_live_ten_days(self):
        assert BearerTokenGenerator.GRANT_TYPES_EXPIRES_IN["client_credentials"] == 864_000

    def test_here_authlib_has_no_say_in_it(self):
        assert "expires_in" not in TokenGrant.__struct_fields__
        assert vars(authlib_server._SERVER)["_token_generators"] == {}


class TestWhoIsUnknown:
    def test_stock_tells_an_unknown_client_from_a_wrong_secret(self):
        said: set[str] = set()
        for client_id in ("me", "you"):
            with pytest.raises(InvalidClientError) as caught:
                stock_authentication({"client_id": client_id, "client_secret": "guess"}, ["client_secret_post"])
            said.add(caught.value.get_error_description())
        assert len(said) == 2

    @pytest.mark.parametrize(
        "facts",
        [
            facts_of(presented=None),
            facts_of(found=None),
            facts_of(presented=MINE.__replace__(client_secret="guess")),
            facts_of(found=found(state="disabled")),
            facts_of(found=found("deleted")),
            facts_of(found=found(secrets=())),
        ],
        ids=["nobody", "an unknown client", "a wrong secret", "a disabled client", "a deleted bot", "no secret left"],
    )
    def test_here_there_is_one_text_for_all(self, facts):
        refusal = refused(ASK, facts)
        assert isinstance(refusal, InvalidClient)
        assert (refusal.status, refusal.error, refusal.description) == (
            401,
            "invalid_client",
            InvalidClient().description,
        )


class TestTwoMethodsAtOnce:
    def test_stock_takes_them(self):
        assert stock_authentication(
            {"client_id": "me", "client_secret": "secret"},
            ["client_secret_basic", "client_secret_post"],
            Authorization=basic("me:secret"),
        )

    def test_here_they_are_refused(self):
        with pytest.raises(InvalidRequest, match="authenticates twice"):
            parse_credentials(basic("me:secret"), {"client_id": "me", "client_secret": "secret"})


class TestDuplicates:
    def test_stock_takes_one_of_them_at_the_token_endpoint(self):
        assert stock_request({"scope": "a"}).payload.datalist == {"scope": ["a"]}

    def test_here_they_are_refused_before_authlib_sees_them(self):
        with pytest.raises(InvalidRequest, match="more than once: scope"):
            parse(FORM, b"grant_type=client_credentials&scope=a&scope=b")


class TestTheQueryString:
    def test_here_authlib_is_given_the_body_and_no_url(self, monkeypatch):
        seen: list[Any] = []
        made = authlib_server.TokenRequest

        def remember(facts: Facts, form: dict[str, str]) -> Any:
            seen.append(made(facts, form))
            return seen[-1]

        monkeypatch.setattr(authlib_server, "TokenRequest", remember)
        by_authlib(FACTS, ASK)
        assert (seen[0].payload.data, seen[0].form) == (ASK, ASK)
        assert not {"uri", "args", "headers", "body"} & set(dir(seen[0]))


class TestOddInput:
    def test_stock_fails_at_a_basic_header_that_is_not_utf_8(self):
        with pytest.raises(UnicodeDecodeError):
            stock_authentication({}, ["client_secret_basic"], Authorization=basic(b"me:\xff"))

    def test_stock_fails_at_characters_in_an_error_s_description_that_may_not_be_there(self):
        with pytest.raises(ValueError, match="forbidden characters"):
            InvalidClientError(description='"')

    def test_here_a_basic_header_that_is_not_utf_8_is_a_failed_authentication(self):
        with pytest.raises(InvalidClient):
            parse_credentials(basic(b"me:\xff"), {})

    @pytest.mark.parametrize("odd", ['"', "\\", "é", "\x00", "\n", "\ud800", "\u202e", "a" * 60_000], ids=ascii)
    @pytest.mark.parametrize("name", ["grant_type", "scope", "client_id", "redirect_uri", "response_type", "state"])
    def test_here_odd_characters_are_refused_plainly_even_if_the_form_let_them_through(self, name, odd):
        outcome = outcome_of({**ASK, name: odd})
        if isinstance(outcome, TokenGrant):
            assert name not in ("grant_type", "scope")
        else:
            assert outcome.status == 400
            assert outcome.error in ("invalid_request", "unsupported_grant_type", "invalid_scope")
            assert all(" " <= c <= "~" and c not in '"\\' for c in outcome.description)

    @settings(max_examples=60)
    @given(
        st.dictionaries(st.sampled_from(["grant_type", "scope", "client_id", "redirect_uri"]) | st.text(), st.text())
    )
    def test_here_no_form_at_all_is_answered_with_anything_but_a_grant_or_a_refusal(self, form):
        with suppress(Refusal):
            decide(FACTS, form)


class TestTheGrantType:
    def test_stock_calls_a_missing_one_unsupported(self):
        with pytest.raises(UnsupportedGrantTypeError):
            AuthorizationServer().get_token_grant(stock_request({}))

    def test_here_a_missing_one_is_an_invalid_request(self):
        refusal = refused({})
        assert (refusal.status, refusal.error) == (400, "invalid_request")
        assert "grant_type is missing" in refusal.description

    @pytest.mark.parametrize("grant_type", ["password", "implicit", "CLIENT_CREDENTIALS", " client_credentials"])
    def test_another_is_unsupported_whoever_asks(self, grant_type):
        for facts in (FACTS, facts_of(presented=None, found=None)):
            refusal = refused({"grant_type": grant_type}, facts)
            assert (refusal.status, refusal.error) == (400, "unsupported_grant_type")
            assert refusal.description.endswith(
                "Use one of: client_credentials, authorization_code, refresh_token, "
                "urn:ietf:params:oauth:grant-type:device_code, urn:ietf:params:oauth:grant-type:token-exchange, "
                "urn:ietf:params:oauth:grant-type:jwt-bearer."
            )

    def test_a_client_of_another_kind_may_not_use_it(self):
        refusal = refused(ASK, facts_of(found=found(grant_type="authorization_code")))
        assert (refusal.status, refusal.error) == (400, "unauthorized_client")
        assert "Register one with m2m: true for a machine." in refusal.description
        for form in ({"grant_type": "authorization_code", "code": "x"}, {"grant_type": "refresh_token"}):
            refusal = refused(form)
            assert refusal.error == "unauthorized_client"
            assert "it may use grant_type=client_credentials." in refusal.description

    def test_a_machine_without_a_bot_acts_as_nobody(self):
        refusal = refused(ASK, facts_of(found=found(bot_user_id=None)))
        assert (refusal.status, refusal.error) == (400, "unauthorized_client")
        assert "it has no bot" in refusal.description


class TestScopes:
    def test_stock_s_documented_hook_narrows_without_a_word_down_to_nothing(self):
        generate, client = BearerTokenGenerator(lambda **_: "token"), cast("Any", StockClient())
        assert "scope" not in generate("client_credentials", client, scope="operate")

    @pytest.mark.parametrize(
        "scope",
        [
            "operate",
            "api:public operate",
            "API:PUBLIC",
            "api:publi",
        ],
    )
    def test_here_a_scope_that_the_client_may_not_have_is_an_invalid_scope(self, scope):
        refusal = refused({**ASK, "scope": scope})
        assert (refusal.status, refusal.error) == (400, "invalid_scope")
        assert "It may have: api:public." in refusal.description
        assert "may not have: ." not in refusal.description

    @pytest.mark.parametrize(
        ("scope", "granted"),
        [(None, "b a"), (" ", "b a"), ("a", "a"), ("  a  b ", "a b"), ("a a", "a"), ("b a", "b a")],
        ids=[
            "all, when none is asked for",
            "all, when only spaces are",
            "one",
            "both, with spaces around and between",
            "one, asked for twice",
            "in the order asked for",
        ],
    )
    def test_a_client_gets_what_it_asks_for_of_what_it_may_have(self, scope, granted):
        form = ASK if scope is None else {**ASK, "scope": scope}
        assert decide(facts_of(found=found(scopes=("b", "a"))), form).scope == granted

    def test_a_client_without_scopes_gets_no_scopeless_token(self):
        refusal = refused(ASK, facts_of(found=found(scopes=())))
        assert (refusal.status, refusal.error) == (400, "invalid_scope")
        assert refusal.description == authlib_grants.NO_SCOPES
        assert refused({**ASK, "scope": "a"}, facts_of(found=found(scopes=()))).description == (
            f"This client may not have: a. {authlib_grants.NO_SCOPES}"
        )

    def test_a_failed_authentication_comes_before_a_wrong_scope(self):
        assert isinstance(refused({**ASK, "scope": "operate"}, facts_of(found=None)), InvalidClient)


class TestThe401:
    def test_stock_names_no_realm(self):
        challenge = dict(InvalidClientError(status_code=401).get_headers())["WWW-Authenticate"]
        assert challenge.startswith("Basic ")
        assert "realm" not in challenge

    def test_here_there_is_one(self):
        assert CHALLENGE == {"WWW-Authenticate": 'Basic realm="muniment"'}

    def test_stock_has_a_401_for_a_token_type_that_cannot_be_revoked(self):
        assert UnsupportedTokenTypeError().status_code == 401


class TestKeys:
    def test_here_the_active_key_signs_and_is_always_named(self):
        made = ring().signers["ES256"]
        assert made.kid == "active"
        assert base64.urlsafe_b64decode(GOOD.split(".")[0] + "==") == b'{"alg":"ES256","kid":"active","typ":"at+jwt"}'
        assert signer("active").header == made.header


class TestRevocationAndIntrospection:
    def test_stock_s_own_for_jwts_know_no_revocation(self):
        """(Ours ask the log, by jti; nothing of Authlib is imported for it.)"""
        assert JWTIntrospectionEndpoint.query_token is IntrospectionEndpoint.query_token, "so it is never asked"
        assert JWTRevocationEndpoint.authenticate_token is not RevocationEndpoint.authenticate_token
        assert "cannot be revoked" in (JWTRevocationEndpoint.__doc__ or "")


class TestComparison:
    def test_stock_s_documented_example_fails_at_a_secret_that_is_not_ascii(self):
        with pytest.raises(TypeError):
            stock_authentication({"client_id": "me", "client_secret": "gehéim"}, ["client_secret_post"])

    def test_here_hashes_are_compared(self):
        facts = facts_of(presented=MINE.__replace__(client_secret="gehéim"))
        assert isinstance(refused(ASK, facts), InvalidClient)

    def test_an_expired_secret_is_no_secret(self):
        client = found(secrets=(secret(1, expires_at=AT),))
        assert isinstance(refused(ASK, facts_of(found=client)), InvalidClient)
        assert decide(facts_of(found=client, now=AT - timedelta(seconds=1)), ASK)


class TestLogs:
    def test_stock_logs_whole_tokens_at_debug(self, caplog, monkeypatch):
        monkeypatch.setattr(authlib_grants.Recorded, "generate_token", lambda *_, **__: {"access_token": "whole-token"})
        with caplog.at_level(logging.DEBUG, logger="authlib"), pytest.raises(NotLoaded):
            by_authlib(FACTS, ASK)
        assert "whole-token" in caplog.text

    @pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
    def test_here_its_logger_never_goes_below_info_whatever_the_log_level(self, level, monkeypatch, tmp_path):
        logger = logging.getLogger("authlib")
        monkeypatch.setattr(logger, "level", logging.DEBUG)
        monkeypatch.setattr(logging.getLogger(), "level", getattr(logging, level.upper()))
        monkeypatch.setenv("MUNIMENT_LOG_LEVEL", level)
        monkeypatch.setenv("MUNIMENT_DATA", str(tmp_path))
        monkeypatch.setenv("MUNIMENT_DATABASE_URL", "postgresql://nobody@/nowhere?host=/nonexistent")
        monkeypatch.setenv("MUNIMENT_MASTER_KEY", base64.b64encode(b"k" * 32).decode())
        app.create()
        assert logger.level >= logging.INFO
        for name in logging.root.manager.loggerDict:
            if name.startswith("authlib"):
                assert not logging.getLogger(name).isEnabledFor(logging.DEBUG), name

    def test_here_nothing_of_a_decision_is_logged(self, caplog):
        with caplog.at_level(logging.INFO):
            decide(FACTS, ASK)
            refused(ASK, facts_of(found=None))
        assert caplog.text == ""


class TestTheGuardAgainstUpgrades:
    """A hook that asks for what was not loaded raises loudly; it is never answered None, and never turned into a refusal."""

    def test_an_authlib_that_looked_up_a_client_by_itself_would_be_noticed(self, monkeypatch):
        monkeypatch.setattr(authlib_server._Server, "authenticate_client", AuthorizationServer.authenticate_client)
        monkeypatch.setattr(authlib_grants.ClientCredentials, "TOKEN_ENDPOINT_AUTH_METHODS", ("client_secret_post",))
        with pytest.raises(NotLoaded, match="outside of its authentication"):
            by_authlib(FACTS, {**ASK, "client_id": "me", "client_secret": "secret"})

    def test_an_authlib_that_made_no_token_would_be_noticed(self, monkeypatch):
        monkeypatch.setattr(ClientCredentialsGrant, "create_token_response", lambda _: (200, {}, []))
        with pytest.raises(NotLoaded, match="without asking for a token"):
            by_authlib(FACTS, ASK)

    def test_an_authlib_that_raised_bare_value_errors_is_a_refusal(self, monkeypatch):
        def odd(_: Any) -> None:
            raise UnicodeError("odd")

        monkeypatch.setattr(ClientCredentialsGrant, "validate_token_request", odd)
        refusal = refused(BY_AUTHLIB)
        assert (type(refusal), refusal.description) == (InvalidRequest, authlib_server.MALFORMED)

    @pytest.mark.parametrize("error", [InvalidGrantError(), InvalidRequestError("Missing 'x' in request.")])
    def test_a_refusal_of_authlib_s_own_is_told_in_our_words(self, monkeypatch, error):
        def refuse(_: Any) -> None:
            raise error

        monkeypatch.setattr(ClientCredentialsGrant, "validate_token_request", refuse)
        refusal = refused(BY_AUTHLIB)
        assert (refusal.status, refusal.error, refusal.description) == (400, error.error, authlib_server.MALFORMED)

    def test_a_decision_leaves_nothing_behind_for_the_next_one(self):
        assert decide(FACTS, ASK) == decide(FACTS, ASK)
        refused({**ASK, "scope": "operate"})
        assert decide(FACTS, ASK).scope == "api:public"
        assert isinstance(refused({**ASK, "scope": "operate"}), Refused)

    def test_plain_http_on_loopback_is_all_right(self):
        assert decide(FACTS.__replace__(issuer="http://127.0.0.1:8000"), ASK)


SCOPES = ["api:public", "api:own", "operate"]
ROWS = st.builds(
    FOUND.client.__replace__,
    scopes=st.lists(st.sampled_from(SCOPES), unique=True).map(tuple),
    grant_type=st.sampled_from(["client_credentials", "authorization_code"]),
    bot_user_id=st.sampled_from(["bot-abc123", None]),
)
CLIENTS = st.none() | ROWS.map(lambda row: FACTS.client and FACTS.client.__replace__(row=row))
TARGETS = st.none() | st.just(
    Target.of((Resource(identifier="https://api.example.com", scopes=("api:own",)),), ("api:own",))
)
FORMS = st.fixed_dictionaries(
    {},
    optional={
        "grant_type": st.sampled_from(["client_credentials", "refresh_token", ""]),
        "scope": st.lists(st.sampled_from([*SCOPES, "", "api:other", "api:public,api:own"])).map(" ".join) | st.text(),
        "client_id": st.text(),
    },
)


class TestThePlainRequest:
    """A machine that asks for scopes that it has is the one request that is decided without Authlib."""

    @settings(max_examples=400)
    @given(CLIENTS, TARGETS, FORMS)
    def test_it_is_granted_what_authlib_grants_it_and_nothing_else_is_granted(self, client, target, form):
        facts = Facts(issuer=ISSUER, client=client, target=target)
        granted = plainly(facts, form)
        assert granted is None or granted == by_authlib(facts, form)

    @pytest.mark.parametrize("form", [ASK, {**ASK, "scope": "api:public"}, {**ASK, "client_id": "me"}])
    def test_it_is_decided_without_authlib(self, form, monkeypatch):
        monkeypatch.setattr(authlib_server, "by_authlib", None)
        assert decide(FACTS, form).scope == "api:public"
