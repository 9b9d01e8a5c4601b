"""What a person's yes comes to at the token endpoint: once, for the client that it was given to, and gone when somebody cheats."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest

from events.authorization import Authorized
from events.database import read
from projections import authorizations, users
from service.clock import utc_now
from service.commands.authorization import GRACE, RevokeAuthorization
from service.commands.handle import AUTHORIZATION, handle, state_of
from service.resources import open_resources
from service.values.profile import Address
from tests.flows.conftest import MASTER_KEY, META, Live, is_active, oauth_error, settings_for
from tests.flows.people import (
    ALL,
    CALLBACK,
    Person,
    allow,
    asked,
    code_for,
    logged_in,
    proof,
    redeemed,
    refreshed,
    registered,
    sent_back,
    tokens_for,
)
from tests.flows.test_rate_limits import whole_minute

Client = tuple[str, str | None]


@pytest.fixture
async def client(live: Live) -> Client:
    return await live.interactive(displayName="My Web App", apis=None)


@pytest.fixture
async def public(live: Live) -> Client:
    body = {"m2m": False, "redirectUri": "https://app.example.com/cb", "public": True}
    answer = await live.http.post("/api/v1/auth/clients", json=body, headers=live.bearer)
    assert answer.json()["clientSecret"] is None
    return answer.json()["clientId"], None


async def happened(live: Live, token: str) -> list[str]:
    """What has happened to the authorization that an access token came of."""
    grant = UUID(jwt.decode(token, options={"verify_signature": False})["grant_id"])
    return await of_stream(live, grant)


async def of_stream(live: Live, stream: UUID) -> list[str]:
    rows = await live.beside.ledger.pool.fetch(
        "select type from log.events where stream_id = $1 order by version", stream
    )
    return [row[0].removeprefix("authorization.") for row in rows]


async def verified(live: Live, id_token: str, audience: str) -> dict[str, Any]:
    """Its claims, by somebody else's library and the published keys."""
    keys = jwt.PyJWKSet.from_dict((await live.http.get("/openid/jwks")).json())
    header = jwt.get_unverified_header(id_token)
    assert header["typ"] == "JWT"
    return jwt.decode(id_token, keys[header["kid"]], algorithms=[header["alg"]], audience=audience, issuer=live.url)


async def test_a_code_comes_to_an_access_token_an_id_token_and_a_refresh_token(live: Live, client: Client):
    async with logged_in(live) as person:
        code, pkce = await code_for(live, person, client[0], scope=ALL, nonce="n-1")
        answer = await redeemed(live, client, code, pkce)
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert set(told) == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"}
    assert (told["token_type"], told["scope"]) == ("Bearer", ALL)
    about = await verified(live, told["id_token"], client[0])
    person_s = {"name", "given_name", "family_name", "email", "email_verified", "updated_at"}
    assert jwt.get_unverified_header(told["id_token"])["alg"] == "RS256"
    assert (
        set(about)
        == {"iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr", "sid", "at_hash", "nonce"} | person_s
    )
    assert about["email"] == person.email
    assert (about["sub"], about["nonce"], about["amr"]) == (str(person.user), "n-1", ["pwd"])
    assert about["acr"] == "urn:muniment:acr:1"
    access = jwt.decode(told["access_token"], options={"verify_signature": False})
    assert (access["sub"], access["client_id"], access["aud"]) == (str(person.user), client[0], live.url)
    assert await happened(live, told["access_token"]) == [
        "granted",
        "code_issued",
        "code_redeemed",
        "refresh_token_issued",
    ]


async def test_without_offline_access_nothing_outlives_the_access_token(live: Live, client: Client):
    async with logged_in(live) as person:
        told = await tokens_for(live, person, client, "openid email")
    assert "refresh_token" not in told


async def test_scopes_of_other_providers_are_left_out_and_the_answer_says_which_were_granted(
    live: Live, client: Client
):
    usual = "openid roles  vaultwarden offline_access"
    async with logged_in(live) as person:
        told = await tokens_for(live, person, client, usual)
        assert told["scope"] == "openid offline_access"
        again = await refreshed(live, client, told["refresh_token"], scope=usual)
        assert again.json()["scope"] == "openid offline_access"


async def test_without_openid_it_is_plain_oauth(live: Live, client: Client):
    async with logged_in(live) as person:
        told = await tokens_for(live, person, client, "api:public")
        assert "id_token" not in told
        answer = await live.http.get("/openid/userinfo", headers={"Authorization": f"Bearer {told['access_token']}"})
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


async def test_a_client_may_have_its_id_tokens_signed_with_es256(live: Live):
    client = await live.interactive(idTokenSignedResponseAlg="ES256")
    async with logged_in(live) as person:
        told = await tokens_for(live, person, client)
    assert jwt.get_unverified_header(told["id_token"])["alg"] == "ES256"
    assert (await verified(live, told["id_token"], client[0]))["sub"] == str(person.user)


async def test_a_public_client_needs_no_secret_and_may_show_none(live: Live, public: Client):
    async with logged_in(live) as person:
        told = await tokens_for(live, person, public)
        assert told["refresh_token"]
        again = await refreshed(live, public, told["refresh_token"])
        assert again.status_code == 200
        code, pkce = await code_for(live, person, public[0])
        refused = await redeemed(live, (public[0], "secret_of_nobody"), code, pkce)
        assert refused.status_code == 401
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        named = await live.http.post(
            "/openid/token", data={**form, "code_verifier": pkce.verifier}, auth=(public[0], "")
        )
        assert named.status_code == 200


async def test_a_confidential_client_needs_its_secret(live: Live, client: Client):
    async with logged_in(live) as person:
        code, pkce = await code_for(live, person, client[0])
        oauth_error(await redeemed(live, (client[0], None), code, pkce), 401, "invalid_client")
        oauth_error(await redeemed(live, (client[0], "secret_wrong"), code, pkce), 401, "invalid_client")
        assert (
            await redeemed(live, client, code, pkce)
        ).status_code == 200  # who could not prove itself spoilt nothing


async def test_a_resource_becomes_the_audience_and_no_other_may_be_named(live: Live, client: Client):
    resource = "https://api.example.com/v1"
    async with logged_in(live) as person:
        code, pkce = await code_for(live, person, client[0], resource=resource)
        other = await redeemed(live, client, code, pkce, resource="https://other.example.com")
        oauth_error(other, 400, "invalid_target")
        twice = await redeemed(live, client, code, pkce, resource=f"{resource} https://other.example.com")
        oauth_error(twice, 400, "invalid_target")
        token = (await redeemed(live, client, code, pkce, resource=resource)).json()["access_token"]
    assert jwt.decode(token, options={"verify_signature": False})["aud"] == resource
    assert await is_active(live, token)
    for path in ("/api/v1/auth/clients", "/openid/userinfo"):
        assert (await live.http.get(path, headers={"Authorization": f"Bearer {token}"})).status_code == 401


async def test_a_hint_and_claims_that_name_two_people_are_refused(live: Live, client: Client):
    async with logged_in(live) as person:
        told = await tokens_for(live, person, client)
        for sub, error in ((str(person.user), None), ("somebody else", "invalid_request")):
            claims = f'{{"userinfo": {{"sub": {{"value": "{sub}"}}}}}}'
            answer = await asked(person.browser, client[0], claims=claims, id_token_hint=told["id_token"])
            assert sent_back(answer).get("error") == error


class TestCheating:
    async def test_a_code_that_comes_again_is_refused_and_takes_everything_with_it(self, live: Live, client: Client):
        async with logged_in(live) as person:
            code, pkce = await code_for(live, person, client[0], scope=ALL)
            told = (await redeemed(live, client, code, pkce)).json()
            assert await is_active(live, told["access_token"])
            oauth_error(await redeemed(live, client, code, pkce), 400, "invalid_grant")
            assert not await is_active(live, told["access_token"])
            oauth_error(await refreshed(live, client, told["refresh_token"]), 400, "invalid_grant")
            assert (await happened(live, told["access_token"]))[-2:] == ["code_replayed", "revoked"]

    async def test_of_eight_who_redeem_one_code_at_once_one_gets_a_token(self, live: Live, client: Client):
        async with logged_in(live) as person:
            code, pkce = await code_for(live, person, client[0], scope=ALL)
            answers = await asyncio.gather(*(redeemed(live, client, code, pkce) for _ in range(8)))
        assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7

    @pytest.mark.parametrize(
        ("change", "error"),
        [
            pytest.param({"code_verifier": proof().verifier}, "invalid_grant", id="another verifier"),
            pytest.param({"code_verifier": "short"}, "invalid_request", id="a verifier of another form"),
            pytest.param({"redirect_uri": "https://app.example.com/other"}, "invalid_grant", id="another redirect URI"),
            pytest.param({"redirect_uri": ""}, "invalid_grant", id="no redirect URI"),
        ],
    )
    async def test_a_code_with_the_wrong_company_is_refused_remembered_and_spent(
        self, live: Live, client: Client, change: dict[str, str], error: str
    ):
        async with logged_in(live) as person:
            code, pkce = await code_for(live, person, client[0])
            oauth_error(await redeemed(live, client, code, pkce, **change), 400, error)
            oauth_error(await redeemed(live, client, code, pkce), 400, "invalid_grant")
            stream = await live.beside.ledger.pool.fetchval(
                "select stream_id from read.authorizations where user_id = $1", person.user
            )
        assert (await of_stream(live, stream))[-2:] == ["redemption_refused", "revoked"]

    async def test_a_code_without_any_verifier_is_refused_and_remembered_and_stays_as_it_was(
        self, live: Live, client: Client
    ):
        async with logged_in(live) as person:
            code, pkce = await code_for(live, person, client[0])
            oauth_error(await redeemed(live, client, code, pkce, code_verifier=""), 400, "invalid_request")
            assert (await redeemed(live, client, code, pkce)).status_code == 200
        told = await live.beside.ledger.pool.fetch(
            "select convert_from(data, 'UTF8') from log.events where type = 'refusal.authorization'"
        )
        assert [1 for row in told if client[0] in row[0] and "without its code_verifier" in row[0]] == [1]

    async def test_a_code_of_another_client_is_refused_and_spent(self, live: Live, client: Client):
        thief = await live.interactive()
        async with logged_in(live) as person:
            code, pkce = await code_for(live, person, client[0])
            oauth_error(await redeemed(live, thief, code, pkce), 400, "invalid_grant")
            oauth_error(await redeemed(live, client, code, pkce), 400, "invalid_grant")

    async def test_a_code_that_nobody_issued_is_refused(self, live: Live, client: Client):
        for code in ("x", "code_", "code_" + "A" * 64, "code_" + "A" * 63 + "!"):
            oauth_error(await redeemed(live, client, code, proof()), 400, "invalid_grant")

    async def test_a_code_of_another_server_is_refused_and_is_an_event(self, live: Live):
        """As a client sends it that mixed up two servers, and did not look at `iss` (RFC 9207)."""

        async def ask() -> list[str]:
            client = await live.interactive()
            for _ in range(12):
                oauth_error(await redeemed(live, client, "SplxlOBeZQQYbYS6WxSbIA", proof()), 400, "invalid_grant")
            told = await live.beside.ledger.pool.fetch(
                "select convert_from(data, 'UTF8') from log.events where type = 'refusal.authorization'"
            )
            return [row[0] for row in told if client[0] in row[0]]

        ours = await whole_minute(live, ask)
        assert len(ours) == 10
        assert all("good for nothing here" in each and "Splx" not in each for each in ours)

    async def test_a_refresh_token_of_another_client_is_refused_and_the_family_revoked(
        self, live: Live, client: Client
    ):
        thief = await live.interactive()
        async with logged_in(live) as person:
            told = await tokens_for(live, person, client)
            oauth_error(await refreshed(live, thief, told["refresh_token"]), 400, "invalid_grant")
            oauth_error(await refreshed(live, client, told["refresh_token"]), 400, "invalid_grant")
            assert not await is_active(live, told["access_token"])


class TestWithoutPkce:
    async def test_a_confidential_client_logs_people_in_without_and_what_bound_each_code_is_recorded(
        self, live: Live, client: Client
    ):
        async with logged_in(live) as person:
            for given, bound in (({}, ()), ({"nonce": "n-1"}, ("nonce",))):
                code = await self._code(live, person, client, **given)
                told = await self._redeemed(live, client, code)
                assert told.status_code == 200
                assert await self._bound_by(live, told.json()["access_token"]) == bound
            code, pkce = await code_for(live, person, client[0], nonce="n-1")
            told = await redeemed(live, client, code, pkce)
            assert await self._bound_by(live, told.json()["access_token"]) == ("pkce", "nonce")

    async def test_a_code_goes_with_the_verifier_that_it_was_asked_for_with_or_with_none(
        self, live: Live, client: Client
    ):
        """RFC 9700 section 4.8.2: taking the challenge out of somebody's request gains nothing."""
        async with logged_in(live) as person:
            stripped = await self._code(live, person, client)
            oauth_error(await self._redeemed(live, client, stripped, code_verifier="v" * 43), 400, "invalid_request")
            bound, _ = await code_for(live, person, client[0])
            oauth_error(await self._redeemed(live, client, bound), 400, "invalid_request")

    async def test_a_public_client_is_refused_before_anybody_is_asked(self, live: Live, public: Client):
        answer = await asked(live.http, public[0], code_challenge=None, code_challenge_method=None)
        refusal = sent_back(answer)
        assert refusal["error"] == "invalid_request"
        assert "requirePkce" in refusal["error_description"]

    async def _code(self, live: Live, person: Person, client: Client, **params: str) -> str:
        await allow(live, person.user, client[0])
        answer = await asked(person.browser, client[0], code_challenge=None, code_challenge_method=None, **params)
        return sent_back(answer)["code"]

    async def _redeemed(self, live: Live, client: Client, code: str, **more: str) -> Any:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, **more}
        return await live.http.post("/openid/token", data=form, auth=client)

    async def _bound_by(self, live: Live, token: str) -> Any:
        grant = UUID(jwt.decode(token, options={"verify_signature": False})["grant_id"])
        state = await state_of(live.beside.ledger, AUTHORIZATION, grant)
        assert isinstance(state, Authorized)
        return state.granted.bound_by


class TestRefreshing:
    async def test_a_refresh_token_is_exchanged_for_the_next(self, live: Live, client: Client):
        async with logged_in(live) as person:
            first = await tokens_for(live, person, client)
            second = (await refreshed(live, client, first["refresh_token"])).json()
            third = (await refreshed(live, client, second["refresh_token"], scope="openid email")).json()
        assert len({each["refresh_token"] for each in (first, second, third)}) == 3
        assert third["scope"] == "openid email"
        about = await verified(live, second["id_token"], client[0])
        assert "nonce" not in about
        assert about["sub"] == str(person.user)

    async def test_more_than_was_allowed_is_refused_and_costs_nothing(self, live: Live, client: Client):
        async with logged_in(live) as person:
            told = await tokens_for(live, person, client, "openid offline_access")
            more = await refreshed(live, client, told["refresh_token"], scope="openid email")
            oauth_error(more, 400, "invalid_scope")
            assert (await refreshed(live, client, told["refresh_token"])).status_code == 200

    async def test_who_lost_the_answer_gets_the_same_one_again(self, live: Live, client: Client):
        async with logged_in(live) as person:
            told = await tokens_for(live, person, client)
            answers = [(await refreshed(live, client, told["refresh_token"])).content for _ in range(3)]
            assert len(set(answers)) == 1
            assert await happened(live, told["access_token"]) == [
                "granted",
                "code_issued",
                "code_redeemed",
                "refresh_token_issued",
                "refresh_token_rotated",
            ]

    async def test_one_that_was_used_as_often_as_may_be_says_what_to_do_and_records_no_token(
        self, live: Live, client: Client, monkeypatch: pytest.MonkeyPatch
    ):
        async with logged_in(live) as person:
            told = (await refreshed(live, client, (await tokens_for(live, person, client))["refresh_token"])).json()
            monkeypatch.setattr("service.commands.authorization.MOST_REFRESHES", 1)
            monkeypatch.setattr("service.grants.refresh_token.commit", None)
            refused = await refreshed(live, client, told["refresh_token"])
            oauth_error(refused, 400, "invalid_grant")
            assert "Send the person to the authorization endpoint once more" in refused.json()["error_description"]
            assert await is_active(live, told["access_token"])

    async def test_eight_who_exchange_one_refresh_token_at_once_get_one_token(self, live: Live, client: Client):
        async with logged_in(live) as person:
            told = await tokens_for(live, person, client)
            answers = await asyncio.gather(*(refreshed(live, client, told["refresh_token"]) for _ in range(8)))
            assert {answer.status_code for answer in answers} == {200}
            assert len({answer.json()["access_token"] for answer in answers}) == 1
            assert (await happened(live, told["access_token"])).count("refresh_token_rotated") == 1

    @pytest.mark.parametrize("replayed", [0, 2], ids=["the first one", "one in the middle"])
    async def test_one_that_was_exchanged_longer_ago_is_a_replay_and_revokes_the_family(
        self, live: Live, client: Client, replayed: int
    ):
        async with logged_in(live) as person:
            tokens = [await tokens_for(live, person, client)]
            for _ in range(4):
                tokens.append((await refreshed(live, client, tokens[-1]["refresh_token"])).json())
            for each in (tokens[replayed], tokens[-1]):
                oauth_error(await refreshed(live, client, each["refresh_token"]), 400, "invalid_grant")
            for token in tokens:
                assert not await is_active(live, token["access_token"])
            events = await happened(live, tokens[0]["access_token"])
            assert events[-2:] == ["refresh_token_replayed", "revoked"]
        assert GRACE.total_seconds() == 30

    async def test_each_counts_in_the_row_of_its_authorization(self, live: Live, client: Client):
        async with logged_in(live) as person:
            token = first = await tokens_for(live, person, client)
            for _ in range(3):
                token = (await refreshed(live, client, token["refresh_token"])).json()
            grant = UUID(jwt.decode(first["access_token"], options={"verify_signature": False})["grant_id"])
            row = await live.beside.ledger.pool.fetchrow(authorizations.FIND, grant)
            assert row is not None
            assert row["version"] == len(await of_stream(live, grant)) == 7
            assert row["used_at"] > row["redeemed_at"]

    async def test_giving_it_back_takes_all_along(self, live: Live, client: Client):
        async with logged_in(live) as person:
            told = await tokens_for(live, person, client)
            form = {"token": told["refresh_token"], "client_id": client[0], "client_secret": client[1] or ""}
            assert (await live.http.post("/openid/introspect", data=form)).json()["active"]
            others = {**form, "client_id": live.client_id, "client_secret": live.client_secret}
            assert not (await live.http.post("/openid/introspect", data=others)).json()["active"]
            assert (await live.http.post("/openid/revoke", data=form)).status_code == 200
            assert not (await live.http.post("/openid/introspect", data=form)).json()["active"]
            assert not await is_active(live, told["access_token"])
            assert (await happened(live, told["access_token"]))[-1] == "revoked"


class TestStopping:
    async def test_nothing_comes_of_a_person_who_was_disabled(self, live: Live, client: Client):
        async with logged_in(live) as person:
            told = await tokens_for(live, person, client)
            code, pkce = await code_for(live, person, client[0])
            await live.beside.people.disable(person.user, META)
            oauth_error(await redeemed(live, client, code, pkce), 400, "invalid_grant")
            oauth_error(await refreshed(live, client, told["refresh_token"]), 400, "invalid_grant")
            assert not await is_active(live, told["access_token"])

    async def test_nothing_comes_of_a_client_that_was_deleted(self, live: Live, client: Client):
        async with logged_in(live) as person:
            told = await tokens_for(live, person, client)
            await live.http.delete(f"/api/v1/auth/clients/{client[0]}", headers=live.bearer)
            oauth_error(await refreshed(live, client, told["refresh_token"]), 401, "invalid_client")
            assert not await is_active(live, told["access_token"])

    async def test_a_revocation_outlives_a_lifetime_that_was_lowered_since(self, live: Live, client: Client):
        async with logged_in(live) as person:
            claims = jwt.decode(
                (await tokens_for(live, person, client))["access_token"], options={"verify_signature": False}
            )
            grant, an_hour_ago = UUID(claims["grant_id"]), utc_now() - timedelta(hours=1)
            revoke = RevokeAuthorization(why="operator", at=an_hour_ago)
            await handle(live.beside.ledger, AUTHORIZATION, grant, revoke, META)
        lowered = settings_for(live.database, live.url, token_lifetime=60)
        async with open_resources(lowered, live.database, MASTER_KEY) as resources:
            await resources.lookup.be_current()
            assert resources.lookup.is_revoked(UUID(claims["jti"]), grant)


class TestUserinfo:
    async def _told(self, live: Live, token: str) -> Any:
        return await live.http.get("/openid/userinfo", headers={"Authorization": f"Bearer {token}"})

    async def test_it_tells_what_the_scopes_allow_and_no_more(self, live: Live, client: Client):
        async with logged_in(live) as person:
            little = await self._told(live, (await tokens_for(live, person, client, "openid"))["access_token"])
            much = await self._told(live, (await tokens_for(live, person, client))["access_token"])
        assert little.json() == {"sub": str(person.user)}
        assert much.json() == {
            "sub": str(person.user),
            "name": "Ada Lovelace",
            "given_name": "Ada",
            "family_name": "Lovelace",
            "email": person.email,
            "email_verified": True,
            "updated_at": much.json()["updated_at"],
        }
        assert much.headers["cache-control"] == "no-store"

    async def test_phone_address_and_groups_each_take_their_scope(self, live: Live, client: Client):
        address = Address(locality="London", country="United Kingdom")
        user, _ = await registered(
            live, phone_number="+44 20 7946 0123", address=address, groups=("engine",), locale="en"
        )
        async with logged_in(live, user) as person:
            token = await tokens_for(live, person, client, "openid phone address groups")
            told = await self._told(live, token["access_token"])
        assert token["scope"] == "openid phone address groups"
        assert told.json() == {
            "sub": str(user),
            "phone_number": "+44 20 7946 0123",
            "phone_number_verified": False,
            "address": {"locality": "London", "country": "United Kingdom"},
            "groups": ["engine"],
        }

    async def test_single_claims_can_be_asked_for_here_and_in_the_id_token(self, live: Live, client: Client):
        claims = '{"userinfo": {"name": null, "shoe_size": null}, "id_token": {"email": {"essential": true}}}'
        async with logged_in(live) as person:
            await allow(live, person.user, client[0])
            code, pkce = await code_for(live, person, client[0], claims=claims)
            told = (await redeemed(live, client, code, pkce)).json()
            answer = await self._told(live, told["access_token"])
        assert answer.json() == {"sub": str(person.user), "name": "Ada Lovelace"}
        assert (await verified(live, told["id_token"], client[0]))["email"] == person.email

    async def test_an_id_token_has_the_claims_of_the_scopes_a_minimal_one_only_what_was_asked_for_there(
        self, live: Live, client: Client
    ):
        minimal = await live.interactive(idTokenClaims="minimal")
        claims = '{"id_token": {"given_name": null}}'
        async with logged_in(live) as person:
            for given, known in ((client, {"given_name", "email", "email_verified"}), (minimal, {"given_name"})):
                await allow(live, person.user, given[0])
                code, pkce = await code_for(live, person, given[0], scope="openid email offline_access", claims=claims)
                first = (await redeemed(live, given, code, pkce)).json()
                again = (await refreshed(live, given, first["refresh_token"])).json()
                for told in (first, again):
                    about = await verified(live, told["id_token"], given[0])
                    assert set(about) & {"name", "given_name", "family_name", "email", "email_verified"} == known

    async def test_the_token_may_come_in_a_form_and_may_not_come_twice(self, live: Live, client: Client):
        async with logged_in(live) as person:
            token = (await tokens_for(live, person, client))["access_token"]
            bearer, form = {"Authorization": f"Bearer {token}"}, {"access_token": token}
            told = await live.http.post("/openid/userinfo", data=form)
            assert (told.status_code, told.json()["sub"]) == (200, str(person.user))
            assert (await live.http.post("/openid/userinfo", headers=bearer)).status_code == 200
            assert (await live.http.post("/openid/userinfo", data=form, headers=bearer)).status_code == 400
            assert (await live.http.post("/openid/userinfo", data={**form, "x": "x" * 70_000})).status_code == 413
            assert (await live.http.get("/openid/userinfo", params=form)).status_code == 401

    async def test_a_machine_s_token_and_no_token_are_refused(self, live: Live):
        for headers in ({}, live.bearer, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer x.y.z"}):
            answer = await live.http.get("/openid/userinfo", headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")

    @pytest.mark.parametrize("stop", ["disable", "delete"])
    async def test_a_client_that_was_stopped_learns_nothing(self, live: Live, client: Client, stop: str):
        path = f"/api/v1/auth/clients/{client[0]}"
        async with logged_in(live) as person:
            token = (await tokens_for(live, person, client))["access_token"]
            assert (await self._told(live, token)).status_code == 200
            way = ("POST", f"{path}/disable") if stop == "disable" else ("DELETE", path)
            assert (await live.http.request(*way, headers=live.bearer)).is_success
            answer = await self._told(live, token)
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_the_log_has_no_code_no_token_and_no_address_of_a_person(live: Live, client: Client):
    async with logged_in(live) as person:
        code, pkce = await code_for(live, person, client[0], scope=ALL)
        told = (await redeemed(live, client, code, pkce)).json()
        await refreshed(live, client, told["refresh_token"])
        stored = await _all_of(live, person)
    for secret in (code, told["access_token"], told["refresh_token"], told["id_token"], pkce.verifier, person.email):
        assert secret not in stored
    assert "127.0.0.1" not in stored


async def _all_of(live: Live, person: Person) -> str:
    streams = await read(live.beside.ledger.pool, lambda connection: users.streams_of(connection, person.user))
    rows = await live.beside.ledger.pool.fetch(
        """
        select convert_from(data, 'UTF8') || convert_from(meta, 'UTF8') from log.events where stream_id = any($1::uuid[])
        union all
        select convert_from(data, 'UTF8') from log.issuance where convert_from(data, 'UTF8')::json ->> 'sub' = $2
        """,
        streams,
        str(person.user),
    )
    assert len(rows) > 6
    return "".join(row[0] for row in rows)
