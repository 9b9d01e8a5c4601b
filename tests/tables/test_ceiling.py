"""The ceiling programs of the benchmark do what they say: a figure beside a program that refuses nothing would say nothing."""

from collections.abc import Mapping
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from msgspec import json

from tests.bench import crowds
from tests.bench.ceiling import known, work
from tests.bench.ceiling.program import Program, opened
from tests.bench.ceiling.requests import FORM, Answer, Asked, Refused
from tests.conftest import fresh_database

CLIENT = CLIENT_ID, _ = known.credentials(known.BY_RS256)
BEARER = {b"authorization": f"Bearer {known.BEARER}".encode()}
COOKIE = {b"cookie": f"{known.COOKIE}={known.session(3)}".encode()}


async def _got(program: Program, path: str, headers: Mapping[bytes, bytes], **query: str) -> Answer:
    return await work.GET[path](program, Asked(path, headers, urlencode(query).encode(), b""))


async def _posted(program: Program, path: str, client: tuple[str, str] = CLIENT, /, **form: str) -> Answer:
    body = urlencode({"client_id": client[0], "client_secret": client[1], **form}).encode()
    return await work.POST[path](program, Asked(path, {b"content-type": FORM}, b"", body))


async def _code(program: Program, cookie: Mapping[bytes, bytes] = COOKIE, client_id: str = CLIENT_ID) -> str:
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": crowds.CALLBACK,
        "scope": crowds.OFFLINE,
        "state": "st-1",
        "code_challenge": crowds.CHALLENGE,
        "code_challenge_method": "S256",
    }
    answer = await _got(program, "/openid/authorize", cookie, **query)
    return parse_qs(urlsplit(answer.location or "").query)["code"][0]


async def _redeemed(
    program: Program, code: str, verifier: str = crowds.VERIFIER, client: tuple[str, str] = CLIENT
) -> crowds.Tokens:
    form = {"code": code, "redirect_uri": crowds.CALLBACK, "code_verifier": verifier}
    answer = await _posted(program, known.TOKEN, client, grant_type="authorization_code", **form)
    return json.decode(answer.body, type=crowds.Tokens)


async def test_a_code_and_a_refresh_token_are_good_once_and_for_whom_they_were_made(postgres: str) -> None:
    async with opened(await fresh_database(postgres, template="template1")) as program:
        with pytest.raises(Refused):
            await _code(program, {b"cookie": f"{known.COOKIE}={known.session(3)}0".encode()})
        code = await _code(program)
        with pytest.raises(Refused):
            await _redeemed(program, code, "w" * 43)
        tokens = await _redeemed(program, code)
        with pytest.raises(Refused):
            await _redeemed(program, code)
        refresh = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        following = json.decode((await _posted(program, known.TOKEN, **refresh)).body, type=crowds.Tokens)
        with pytest.raises(Refused):
            await _posted(program, known.TOKEN, **refresh)
        bearer = {b"authorization": f"Bearer {following.access_token}".encode()}
        assert json.decode((await _got(program, "/openid/userinfo", bearer)).body)["email"] == "ada@example.com"


async def test_an_id_token_is_signed_as_the_service_signs_it_for_such_a_client(postgres: str) -> None:
    async with opened(await fresh_database(postgres, template="template1")) as program:
        for number, alg, key in (
            (known.BY_RS256, "RS256", program.id_key.public_key()),
            (known.BY_ES256, "ES256", program.public),
        ):
            client = known.credentials(number)
            code = await _code(program, client_id=client[0])
            tokens = await _redeemed(program, code, client=client)
            assert jwt.decode(tokens.id_token, key, algorithms=[alg], audience=client[0])["name"] == "Ada Lovelace"
            assert jwt.get_unverified_header(tokens.access_token)["alg"] == "ES256"


async def test_a_token_is_issued_for_its_grant_type_and_scope_and_is_active_until_it_is_revoked(postgres: str) -> None:
    url = await fresh_database(postgres, template="template1")
    async with opened(url) as program:
        for wrong in ({"grant_type": "password"}, {"grant_type": "client_credentials", "scope": "other"}):
            with pytest.raises(Refused):
                await _posted(program, known.TOKEN, **wrong)
        with pytest.raises(Refused):
            await _posted(program, known.TOKEN, grant_type="client_credentials", client_secret="wrong")
        answer = await _posted(program, known.TOKEN, grant_type="client_credentials", scope=known.SCOPE)
        token = json.decode(answer.body, type=crowds.Tokens).access_token
        said = json.decode((await _posted(program, "/openid/introspect", token=token)).body)
        assert said["active"]
        assert not json.decode((await _posted(program, "/openid/introspect", token=f"{token[:-4]}AAAA")).body)["active"]


async def test_reads_are_for_operators_and_return_what_the_service_would(postgres: str) -> None:
    async with opened(await fresh_database(postgres, template="template1")) as program:
        with pytest.raises(Refused):
            await _got(program, "/api/v1/audit/events", {b"authorization": b"Bearer other"})
        events = json.decode((await _got(program, "/api/v1/audit/events", BEARER, limit="100")).body)
        assert [event["position"] for event in events] == list(range(1, 101))
        assert events[7]["subject"] == f"oauth_client_{7:032x}"
        assert "hash" not in events[7]["data"]["secret"]
        path = f"/api/v1/auth/clients/{CLIENT_ID}"
        past = Asked(path, BEARER, f"as_of=position:{known.POSITION}".encode(), b"")
        client = json.decode((await work.GET["/api/v1/auth/clients/{client_id}"](program, past)).body)
        assert client["clientId"] == CLIENT_ID
        page = (await _got(program, "/console/clients", COOKIE)).body.decode()
        assert page.count('<a href="/console/clients/oauth_client_') == 50
        assert (page.count("Ada Lovelace"), page.count(">just now</time>")) == (2, 100)
