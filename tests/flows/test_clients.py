"""/api/v1/auth/clients after the registration: list, read, change, disable, enable, delete."""

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt
import pytest

from service.crypto.credentials import new_id
from tests.flows.conftest import Live, oauth_error, refused, until_used
from tests.patience import until

CLIENTS = "/api/v1/auth/clients"
BOTS = "/api/v1/auth/bots"


@pytest.fixture(scope="module")
async def owner(live: Live) -> dict[str, str]:
    """The bearer of a caller with seven clients, n0 to n6, of which the odd ones act as bot-odd; n6 is disabled."""
    bearer = await live.caller(f"lister-{new_id().hex}", "clients:write", "clients:read", "api:public")
    places: list[str] = []
    for number in range(7):
        body = {"m2m": True, "botUserId": f"bot-{'odd' if number % 2 else 'even'}", "displayName": f"N{number} 100% _x"}
        places.append((await live.http.post(CLIENTS, json=body, headers=bearer)).headers["location"])
    await live.http.post(f"{places[-1]}/disable", headers=bearer)
    return bearer


def owner_of(bearer: dict[str, str]) -> str:
    return jwt.decode(bearer["Authorization"].removeprefix("Bearer "), options={"verify_signature": False})["sub"]


async def names(live: Live, bearer: dict[str, str], **query: str) -> list[str]:
    answer = await live.http.get(CLIENTS, params=query, headers=bearer)
    assert answer.status_code == 200, answer.text
    return [one["displayName"][:2] for one in answer.json()]


async def patch(
    live: Live, path: str, body: Any, match: str | None = "*", bearer: dict[str, str] | None = None
) -> httpx.Response:
    headers = {**(bearer or live.bearer), **({"If-Match": match} if match is not None else {})}
    return await live.http.patch(path, json=body, headers=headers)


# List


async def test_a_list_is_a_bare_array_of_what_the_seed_s_api_shows(live: Live, owner: dict[str, str]):
    answer = await live.http.get(CLIENTS, headers=owner)
    assert answer.headers["content-type"] == "application/json"
    assert "link" not in answer.headers
    for one in answer.json():
        assert set(one) == {
            *("clientId", "displayName", "redirectUris", "createdUtc", "botUserId"),
            *("owner", "state", "scopes", "lastUsedUtc", "oldestSecretUtc", "nextExpiryUtc"),
        }
        assert one["oldestSecretUtc"] == one["createdUtc"]
        assert (one["owner"], one["scopes"], one["lastUsedUtc"]) == (owner_of(owner), ["api:public"], None)
        assert one["state"] == ("disabled" if one["displayName"].startswith("N6") else "active")
        created = datetime.fromisoformat(one["createdUtc"])
        assert created.utcoffset() == timedelta(0)
        assert datetime.now(UTC) - created < timedelta(minutes=5)


async def test_a_list_is_oldest_first(live: Live, owner: dict[str, str]):
    assert await names(live, owner) == ["N0", "N1", "N2", "N3", "N4", "N5", "N6"]


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
async def test_following_the_links_gives_everything_once(live: Live, owner: dict[str, str], limit: int):
    found: list[str] = []
    where: str | None = f"{CLIENTS}?limit={limit}"
    while where:
        answer = await live.http.get(where, headers=owner)
        assert 1 <= len(answer.json()) <= limit
        found += [one["displayName"][:2] for one in answer.json()]
        link = re.fullmatch(r'<(.+)>; rel="next"', answer.headers.get("link", ""))
        where = link[1] if link else None
        assert where is None or where.startswith(f"{live.url}{CLIENTS}?")
    assert found == ["N0", "N1", "N2", "N3", "N4", "N5", "N6"]


async def test_a_page_is_not_disturbed_by_what_is_made_or_deleted_meanwhile(live: Live):
    bearer = await live.caller("pager", "clients:write", "clients:read")
    paths = [
        (await live.http.post(CLIENTS, json={"m2m": True, "botUserId": f"{n}"}, headers=bearer)).headers["location"]
        for n in range(4)
    ]
    first = await live.http.get(f"{CLIENTS}?limit=2", headers=bearer)
    await live.http.delete(paths[1], headers=bearer)
    await live.http.delete(paths[2], headers=bearer)
    await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "4"}, headers=bearer)
    rest = await live.http.get(first.links["next"]["url"], headers=bearer)
    assert [one["botUserId"] for one in first.json() + rest.json()] == ["0", "1", "3", "4"]


async def test_a_list_can_be_narrowed_and_the_link_keeps_that(live: Live, owner: dict[str, str]):
    assert await names(live, owner, botUserId="bot-odd") == ["N1", "N3", "N5"]
    assert await names(live, owner, state="disabled") == ["N6"]
    assert await names(live, owner, state="active", botUserId="bot-even") == ["N0", "N2", "N4"]
    assert await names(live, owner, displayName="n3 100%") == ["N3"]
    assert await names(live, owner, displayName="%") == ["N0", "N1", "N2", "N3", "N4", "N5", "N6"]
    assert await names(live, owner, displayName="N_") == []
    assert await names(live, owner, scope="api:public", q="n3") == ["N3"]
    assert await names(live, owner, scope="api:pub") == []
    assert await names(live, owner, order="newest", botUserId="bot-odd") == ["N5", "N3", "N1"]
    newest = await live.http.get(CLIENTS, params={"order": "newest", "limit": "6"}, headers=owner)
    last = await live.http.get(newest.links["next"]["url"], headers=owner)
    assert [one["displayName"][:2] for one in last.json()] == ["N0"]
    assert set(refused(await live.http.get(CLIENTS, params={"order": "up"}, headers=owner), 400)["errors"]) == {"order"}
    (third,) = (await live.http.get(CLIENTS, params={"displayName": "N3"}, headers=owner)).json()
    assert await names(live, owner, q=third["clientId"][-20:].upper()) == ["N3"]
    assert await names(live, owner, botUserId="") == []
    assert await names(live, owner, owner=owner_of(owner), limit="1") == ["N0"]
    assert await names(live, owner, owner="operator") == []
    answer = await live.http.get(CLIENTS, params={"botUserId": "bot-odd", "limit": "2"}, headers=owner)
    rest = await live.http.get(answer.links["next"]["url"], headers=owner)
    assert [one["displayName"][:2] for one in rest.json()] == ["N5"]


async def followed(live: Live, bearer: dict[str, str], **query: str) -> list[str]:
    """The names on all pages of two clients each."""
    found: list[str] = []
    where: str | None = f"{CLIENTS}?{urlencode({**query, 'limit': '2'})}"
    while where:
        answer = await live.http.get(where, headers=bearer)
        assert answer.status_code == 200, answer.text
        found += [one["displayName"] for one in answer.json()]
        where = answer.links["next"]["url"] if "next" in answer.links else None
    return found


async def test_a_list_is_sorted_by_name_and_by_last_use_from_page_to_page(live: Live):
    bearer = await live.caller("sorter", "clients:write", "clients:read", "api:public")
    named: dict[str | None, tuple[str, str]] = {}
    for name in ("Weft", "loom", None, "Bobbin ä&+/", "Loom"):
        made = await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "b", "displayName": name}, headers=bearer)
        named[name] = (made.json()["clientId"], made.json()["clientSecret"])
    for name in ("loom", "Weft"):
        await live.access_token(*named[name])
        await until_used(live, named[name][0])
    by_name = ["Bobbin ä&+/", "loom", "Loom", "Weft", None]
    assert await followed(live, bearer, order="name") == by_name
    assert await followed(live, bearer, order="name_descending", botUserId="b") == [*by_name[3::-1], None]
    by_use = ["Weft", "loom", "Loom", "Bobbin ä&+/", None]
    assert await followed(live, bearer, order="recently_used") == by_use
    assert await followed(live, bearer, order="long_unused") == ["loom", "Weft", None, "Bobbin ä&+/", "Loom"]
    assert await followed(live, bearer, order="name", q="loom") == ["loom", "Loom"]


@pytest.mark.parametrize("order", ["name", "name_descending", "recently_used", "long_unused"])
async def test_the_past_is_not_sorted_by_what_it_does_not_know_and_the_refusal_says_so(live: Live, order: str):
    asked = {"as_of": "position:1", "order": order}
    answer = refused(await live.http.get(CLIENTS, params=asked, headers=live.bearer), 400)
    assert answer["errors"] == {"order": ["cannot be combined with as_of, which lists the oldest or the newest first"]}
    asked = {"as_of": "position:1", "usageDays": "7"}
    answer = refused(await live.http.get(CLIENTS, params=asked, headers=live.bearer), 400)
    assert answer["errors"] == {"usageDays": ["cannot be combined with as_of"]}


@pytest.mark.parametrize(
    ("order", "cursor"),
    [
        ("name", "x"),
        ("name", "0" * 32 + "-a"),
        ("name", "0" * 32 + "-_w"),
        ("name", "0" * 32 + "-AA"),
        ("name", "0" * 32 + "-" + "a" * 2001),
        ("recently_used", "0" * 32 + "-TG9vbQ"),
        ("recently_used", "0" * 32 + "-" + "9" * 30),
        ("recently_used", "0" * 32 + "-" + "9" * 2000),
        ("long_unused", "0" * 31 + "-1"),
        ("oldest", "0" * 32 + "-1"),
    ],
)
async def test_a_cursor_of_another_order_is_refused(live: Live, order: str, cursor: str):
    asked = {"order": order, "cursor": cursor}
    answer = refused(await live.http.get(CLIENTS, params=asked, headers=live.bearer), 400)
    assert answer["errors"] == {"cursor": ["is not a cursor of this server; follow the Link header"]}


async def test_a_list_says_how_many_tokens_each_client_got_on_each_of_the_days_asked_for(live: Live):
    bearer = await live.caller("counter", "clients:write", "clients:read", "api:public")
    made = [
        (await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "b"}, headers=bearer)).json() for _ in range(2)
    ]
    for _ in range(3):
        await live.access_token(made[1]["clientId"], made[1]["clientSecret"])

    async def counted() -> list[list[int]] | None:
        found = (await live.http.get(CLIENTS, params={"usageDays": "2"}, headers=bearer)).json()
        return [one["dailyTokens"] for one in found] if sum(found[1]["dailyTokens"]) == 3 else None

    first, second = await until(counted)
    assert (first, len(second)) == ([0, 0], 2)
    for wrong in ("0", "32", "-1", "x", "1.0", ""):
        answer = await live.http.get(CLIENTS, params={"usageDays": wrong}, headers=bearer)
        assert refused(answer, 400)["errors"] == {"usageDays": ["must be a whole number from 1 to 31"]}, wrong


async def test_the_oldest_live_secret_is_that_which_neither_expired_nor_was_revoked(live: Live):
    bearer = await live.caller("secrets-ages", "clients:write", "clients:read")
    made = (await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "b"}, headers=bearer)).json()
    place = f"{CLIENTS}/{made['clientId']}/secrets"
    (first,) = (await live.http.get(place, headers=bearer)).json()
    await live.http.post(place, json={"name": "second"}, headers=bearer)
    _, second = (await live.http.get(place, headers=bearer)).json()
    for live_one, revoked in ((first, first), (second, second)):
        (shown,) = (await live.http.get(CLIENTS, headers=bearer)).json()
        assert shown["oldestSecretUtc"] == live_one["createdUtc"]
        await live.http.delete(f"{place}/{revoked['secretId']}", headers=bearer)
    (shown,) = (await live.http.get(CLIENTS, headers=bearer)).json()
    assert shown["oldestSecretUtc"] is None


async def test_a_filter_s_odd_characters_survive_in_the_link(live: Live):
    bearer = await live.caller("odd-filter", "clients:write", "clients:read")
    for _ in range(2):
        await live.http.post(CLIENTS, json={"m2m": True, "botUserId": 'ä&b=c"<> %'}, headers=bearer)
    answer = await live.http.get(CLIENTS, params={"botUserId": 'ä&b=c"<> %', "limit": "1"}, headers=bearer)
    assert len((await live.http.get(answer.links["next"]["url"], headers=bearer)).json()) == 1


# Read and change


async def test_a_client_is_shown_with_its_version_as_etag(live: Live):
    client_id, _ = await live.register(displayName="shown")
    answer = await live.http.get(f"{CLIENTS}/{client_id}", headers=live.bearer)
    assert answer.headers["etag"] == '"1"'
    assert set(answer.json()) == {
        "clientId", "displayName", "m2m", "botUserId", "redirectUris", "scopes", "state", "owner", "createdUtc", "lastUsedUtc",
        "accessTokenSignedResponseAlg", "dpopBoundAccessTokens", "apis", "tokenEndpointAuthMethod", "jwksUri", "securityProfile",
        "tokenExchange", "identityAssertions", "workloadIdentities",
        "tlsClientAuthSubjectDn", "tlsClientAuthSanDns", "tlsClientAuthSanUri", "tlsClientAuthSanIp", "tlsClientAuthSanEmail", "tlsClientCertificateBoundAccessTokens",
    }  # fmt: skip
    head = await live.http.head(f"{CLIENTS}/{client_id}", headers=live.bearer)
    assert (head.status_code, head.headers["etag"], head.content) == (200, '"1"', b"")


async def test_a_change_takes_the_etag_and_gives_the_next_one(live: Live):
    path = f"{CLIENTS}/{(await live.register(displayName='before'))[0]}"
    answer = await patch(live, path, {"displayName": "after"}, '"1"')
    assert answer.status_code == 200
    assert (answer.json()["displayName"], answer.headers["etag"]) == ("after", '"2"')
    assert int(answer.headers["muniment-position"]) > 0
    shown = await live.http.get(path, headers=live.bearer)
    assert (shown.json(), shown.headers["etag"]) == (answer.json(), '"2"')


async def test_a_change_without_if_match_is_refused_before_anything_else(live: Live):
    path = f"{CLIENTS}/{(await live.register())[0]}"
    assert "If-Match" in refused(await patch(live, path, {"displayName": 7}, None), 428)["detail"]


async def test_a_stale_etag_is_refused_and_nothing_changes(live: Live):
    path = f"{CLIENTS}/{(await live.register(displayName='before'))[0]}"
    await patch(live, path, {"displayName": "after"}, '"1"')
    for stale in ('"1"', '"0"', '"3"', '"999999999"'):
        assert "version is 2," in refused(await patch(live, path, {"displayName": "lost"}, stale), 412)["detail"]
        for tail in ("/disable", "/enable"):
            refused(await live.http.post(path + tail, headers={**live.bearer, "If-Match": stale}), 412)
        refused(await live.http.delete(path, headers={**live.bearer, "If-Match": stale}), 412)
    shown = (await live.http.get(path, headers=live.bearer)).json()
    assert (shown["displayName"], shown["state"]) == ("after", "active")


async def test_a_weak_etag_and_a_list_are_taken_wherever_an_etag_is(live: Live):
    path = f"{CLIENTS}/{(await live.register())[0]}"
    assert (await patch(live, path, {"displayName": "weak"}, 'W/"1"')).headers["etag"] == '"2"'
    assert (await patch(live, path, {"displayName": "one of"}, '"1", W/"2"')).headers["etag"] == '"3"'
    refused(await patch(live, path, {"displayName": "none of"}, '"1", "2", "other"'), 412)
    headers = {**live.bearer, "If-Match": '"3"'}
    assert (await live.http.post(f"{path}/secrets", json={}, headers=headers)).status_code == 201
    secret = (await live.http.get(f"{path}/secrets", headers=live.bearer)).json()[0]["secretId"]
    refused(await live.http.post(f"{path}/secrets", json={}, headers=headers), 412)
    refused(await live.http.delete(f"{path}/secrets/{secret}", headers=headers), 412)
    bot = (await live.http.post(BOTS, json={"email": "etag@example.com"}, headers=live.bearer)).headers["location"]
    refused(await live.http.post(f"{bot}/disable", headers={**live.bearer, "If-Match": '"2"'}), 412)
    assert (await live.http.post(f"{bot}/disable", headers={**live.bearer, "If-Match": 'W/"1"'})).status_code == 204


async def test_of_ten_changes_of_one_version_at_once_one_is_made(live: Live):
    path = f"{CLIENTS}/{(await live.register())[0]}"
    answers = await asyncio.gather(*(patch(live, path, {"displayName": f"n{n}"}, '"1"') for n in range(10)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] == 200
    assert set(statuses[1:]) <= {409, 412}
    winner = next(answer for answer in answers if answer.status_code == 200)
    assert (await live.http.get(path, headers=live.bearer)).json()["displayName"] == winner.json()["displayName"]


async def test_changes_of_any_version_at_once_are_all_made(live: Live):
    path = f"{CLIENTS}/{(await live.register())[0]}"
    answers = await asyncio.gather(*(patch(live, path, {"displayName": f"n{n}"}) for n in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5
    assert (await live.http.get(path, headers=live.bearer)).headers["etag"] == '"6"'


async def test_a_change_to_what_is_already_so_is_no_event(live: Live):
    path = f"{CLIENTS}/{(await live.register(displayName='same', redirectUri='https://a.example/'))[0]}"
    for body in (
        {},
        {"displayName": "same"},
        {"redirectUris": ["https://a.example/"]},
        {"scopes": ["api:public", "api:public"]},
    ):
        answer = await patch(live, path, body, '"1"')
        assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
        assert "muniment-position" not in answer.headers


async def test_several_fields_change_together(live: Live):
    path = f"{CLIENTS}/{(await live.register())[0]}"
    body = {
        "displayName": None,
        "redirectUris": ["https://a.example/", "https://b.example/", "https://a.example/"],
        "scopes": ["clients:read", "api:public"],
    }
    shown = (await patch(live, path, body, '"1"')).json()
    assert shown["displayName"] is None
    assert shown["redirectUris"] == ["https://a.example/", "https://b.example/"]
    assert shown["scopes"] == ["clients:read", "api:public"]


async def test_an_interactive_client_keeps_at_least_one_redirect_uri(live: Live):
    machine = f"{CLIENTS}/{(await live.register(redirectUri='https://a.example/'))[0]}"
    interactive = f"{CLIENTS}/{(await live.interactive())[0]}"
    refused(await patch(live, interactive, {"redirectUris": []}), 409)
    assert (await patch(live, machine, {"redirectUris": []})).json()["redirectUris"] == []


async def test_a_changed_scope_counts_at_the_next_token(live: Live):
    client = await live.register()
    path = f"{CLIENTS}/{client[0]}"
    await live.access_token(*client)
    await patch(live, path, {"scopes": ["api:public", "bots:read"]})
    assert (await live.token_for(*client)).json()["scope"] == "api:public bots:read"
    await patch(live, path, {"scopes": []})
    assert "no scopes" in oauth_error(await live.token_for(*client), 400, "invalid_scope")


# Disable, enable, delete


async def test_a_disabled_client_gets_no_token_until_it_is_enabled(live: Live):
    client = await live.register()
    path = f"{CLIENTS}/{client[0]}"
    assert (await live.token_for(*client)).status_code == 200
    answer = await live.http.post(f"{path}/disable", headers=live.bearer)
    assert (answer.status_code, answer.json()["state"], answer.headers["etag"]) == (200, "disabled", '"2"')
    oauth_error(await live.token_for(*client), 401, "invalid_client")
    assert (await live.http.post(f"{path}/disable", headers=live.bearer)).headers["etag"] == '"2"'
    answer = await live.http.post(f"{path}/enable", headers=live.bearer)
    assert (answer.status_code, answer.json()["state"], answer.headers["etag"]) == (200, "active", '"3"')
    assert (await live.token_for(*client)).status_code == 200


async def test_a_disabled_client_can_be_changed_and_stays_disabled(live: Live):
    client = await live.register()
    path = f"{CLIENTS}/{client[0]}"
    await live.http.post(f"{path}/disable", headers=live.bearer)
    assert (await patch(live, path, {"displayName": "still off"})).json()["state"] == "disabled"
    assert (await live.http.post(f"{path}/secrets", json={}, headers=live.bearer)).status_code == 201
    oauth_error(await live.token_for(*client), 401, "invalid_client")


async def test_what_an_operator_disabled_its_owner_cannot_enable(live: Live):
    owner = await live.caller("disabled-owner", "clients:write", "clients:read", "bots:write", "bots:read")
    bot = (await live.http.post(BOTS, json={"email": "held@example.com"}, headers=owner)).headers["location"]
    client = (await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "b"}, headers=owner)).headers["location"]
    for path in (client, bot):
        await live.http.post(f"{path}/disable", headers=live.bearer)
        assert "operator" in refused(await live.http.post(f"{path}/enable", headers=owner), 403)["detail"]
    assert (await live.http.get(client, headers=owner)).json()["disabledBy"] == "operator"
    for path in (client, bot):
        assert (await live.http.post(f"{path}/enable", headers=live.bearer)).status_code < 300
    assert "disabledBy" not in (await live.http.get(client, headers=owner)).json()
    assert (await live.http.post(f"{client}/disable", headers=owner)).json()["disabledBy"] == "owner"


async def test_a_deleted_client_is_gone_for_good(live: Live):
    client = await live.register()
    path = f"{CLIENTS}/{client[0]}"
    answer = await live.http.delete(path, headers=live.bearer)
    assert (answer.status_code, answer.content) == (204, b"")
    oauth_error(await live.token_for(*client), 401, "invalid_client")
    for method, tail in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/enable"),
        ("POST", "/disable"),
        ("GET", "/secrets"),
        ("POST", "/secrets"),
    ):
        refused(await live.http.request(method, path + tail, json={}, headers={**live.bearer, "If-Match": "*"}), 404)
    assert client[0] not in (await live.http.get(CLIENTS, params={"limit": "1000"}, headers=live.bearer)).text


async def test_of_ten_deletions_at_once_one_is_made(live: Live):
    path = f"{CLIENTS}/{(await live.register())[0]}"
    answers = await asyncio.gather(*(live.http.delete(path, headers=live.bearer) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [204] + [404] * 9


async def test_deleting_all_counts_them_and_stops_each(live: Live):
    bearer = await live.caller("incident", "clients:write", "clients:read", "api:public")
    made = [
        (await live.http.post(CLIENTS, json={"m2m": True, "botUserId": f"b{n}"}, headers=bearer)).json()
        for n in range(3)
    ]
    await live.http.post(f"{CLIENTS}/{made[1]['clientId']}/disable", headers=bearer)
    answer = await live.http.delete(CLIENTS, headers=bearer)
    assert (answer.status_code, answer.json()) == (200, {"deleted": 3})
    assert (await live.http.get(CLIENTS, headers=bearer)).json() == []
    for one in made:
        oauth_error(await live.token_for(one["clientId"], one["clientSecret"]), 401, "invalid_client")
    assert (await live.http.delete(CLIENTS, headers=bearer)).json() == {"deleted": 0}


async def test_when_a_client_was_last_used_is_shown_soon_after(live: Live):
    client = await live.register()
    token = await live.access_token(*client)
    issued = jwt.decode(token, options={"verify_signature": False})["iat"]
    shown = await until_used(live, client[0])
    assert issued - 1 <= datetime.fromisoformat(shown).timestamp() <= time.time()
    secrets = (await live.http.get(f"{CLIENTS}/{client[0]}/secrets", headers=live.bearer)).json()
    assert [one["lastUsedUtc"] for one in secrets] == [shown]
    everybody = (await live.http.get(CLIENTS, params={"limit": "1000"}, headers=live.bearer)).json()
    assert [one["lastUsedUtc"] for one in everybody if one["clientId"] == client[0]] == [shown]


async def test_a_scope_with_a_comma_is_refused_as_it_was_meant_as_two(live: Live):
    body = {"m2m": True, "botUserId": "bot-1", "scopes": ["crm:read,", "crm:write"]}
    created = await live.http.post("/api/v1/auth/clients", json=body, headers=live.bearer)
    assert created.status_code == 400
    assert created.json()["errors"] == {"scopes": ["[0] has a comma; give each scope by itself"]}
    client = await live.register(scopes=["crm:read", "crm:write"])
    refused = await live.token_for(*client, scope="crm:read,crm:write")
    assert "Spaces separate scopes, commas do not" in oauth_error(refused, 400, "invalid_scope")
