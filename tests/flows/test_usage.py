"""How many tokens were issued, and what no token used."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from tests.flows.conftest import Live, refused
from tests.flows.test_cli import on
from tests.patience import until

CLIENTS = "/api/v1/auth/clients"
UNUSED = "/api/v1/audit/unused"


async def usage(live: Live, client_id: str, bearer: dict[str, str] | None = None, /, **query: str) -> httpx.Response:
    return await live.http.get(f"{CLIENTS}/{client_id}/usage", params=query, headers=bearer or live.bearer)


async def counted(live: Live, client_id: str, tokens: int, **query: str) -> list[dict[str, Any]]:
    """The usage, once the projection has so many tokens."""

    async def shown() -> list[dict[str, Any]] | None:
        days = (await usage(live, client_id, None, **query)).json()
        return days if sum(each["tokens"] for each in days) == tokens else None

    return await until(shown)


def by_value(days: list[dict[str, Any]]) -> Counter[str | None]:
    """The tokens of all days: the first ones may have been issued before midnight."""
    found: Counter[str | None] = Counter()
    for each in days:
        found[each["value"]] += each["tokens"]
    return found


async def test_the_usage_of_a_client_is_read_by_day_and_divided(live: Live):
    client_id, secret = await live.register(scopes=["crm:read", "crm:write"], apis=None)
    for scope in ("crm:read", "crm:read crm:write", "crm:read"):
        await live.access_token(client_id, secret, scope=scope)
    await live.access_token(client_id, secret, resource="https://crm.example.com/api", scope="crm:read")
    days = await counted(live, client_id, 4)
    today = datetime.now(UTC).date()
    assert len(days) == 30
    assert {each["day"] for each in days if each["tokens"]} <= {str(today), str(today - timedelta(days=1))}
    by_scope = await counted(live, client_id, 4, by="scope")
    assert by_value(by_scope) == {"crm:read": 3, "crm:read crm:write": 1}
    by_audience = await counted(live, client_id, 4, by="audience")
    assert by_value(by_audience) == {None: 3, "https://crm.example.com/api": 1}
    none = (await usage(live, client_id, since="2020-02-28", until="2020-03-01")).json()
    assert [(each["day"], each["tokens"]) for each in none] == [("2020-02-28", 0), ("2020-02-29", 0), ("2020-03-01", 0)]


async def test_the_usage_is_read_by_the_owner_and_an_auditor_and_its_faults_are_named_at_once(live: Live):
    owner = await live.caller("usage-owner", "clients:write", "clients:read", "api:public")
    stranger = await live.caller("usage-stranger", "clients:read")
    auditor = await live.caller("usage-auditor", "clients:read", "audit:read")
    made = (await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "b"}, headers=owner)).json()["clientId"]
    for caller, status in ((owner, 200), (auditor, 200), (stranger, 404)):
        assert (await usage(live, made, caller)).status_code == status
    errors = refused(await usage(live, made, since="yesterday", until="2020-02-30", by="day", of="x"), 400)["errors"]
    assert set(errors) == {"since", "until", "by", "of"}
    errors = refused(await usage(live, made, since="2026-W01-1", until="20260103"), 400)["errors"]
    assert set(errors) == {"since", "until"}
    for since, until_day in (("2020-03-02", "2020-03-01"), ("2019-01-01", "2020-03-01"), ("0001-01-01", "9999-12-31")):
        assert set(refused(await usage(live, made, since=since, until=until_day), 400)["errors"]) == {"since"}
    assert len((await usage(live, made, until="0001-01-02")).json()) == 2


async def test_issued_tokens_are_counted_by_day_and_by_minute(live: Live):
    before = (await live.http.get("/api/v1/usage", headers=live.bearer)).json()
    assert (len(before["days"]), len(before["minutes"])) == (30, 60)
    for _ in range(3):
        await live.access_token(live.client_id, live.client_secret)
    after = (await live.http.get("/api/v1/usage", headers=live.bearer)).json()
    for unit in ("days", "minutes"):
        assert sum(each["tokens"] for each in after[unit]) - sum(each["tokens"] for each in before[unit]) == 3


@pytest.fixture
async def aged(live: Live) -> tuple[str, str, str]:
    """Clients that were registered 100 days ago: one uses one of its scopes now, one is not used, and one was just enabled."""
    used, secret = await live.register(scopes=["crm:read", "crm:write"], displayName="Half used")
    idle, _ = await live.register(scopes=["crm:read"], displayName="Idle")
    enabled, _ = await live.register(scopes=["crm:read"], displayName="Just enabled")
    for change in ("disable", "enable"):
        assert (await live.http.post(f"{CLIENTS}/{enabled}/{change}", headers=live.bearer)).is_success
    await live.access_token(used, secret, scope="crm:read")
    await counted(live, used, 1)
    connection = await asyncpg.connect(live.database)
    back = "interval '100 days'"
    # The tables only: what the log has cannot be old.
    await connection.execute(
        f"update read.clients set created_at = created_at - {back}, secrets = jsonb_set(secrets, '{{0,created_at}}',"
        f' to_jsonb(to_char(now() - {back}, \'YYYY-MM-DD"T"HH24:MI:SS"Z"\'))) where client_id = any($1)',
        [used, idle, enabled],
    )
    await connection.close()
    return used, idle, enabled


async def listed(live: Live, **query: str) -> dict[str, dict[str, Any]]:
    """All pages, by client_id."""
    found: dict[str, dict[str, Any]] = {}
    url: str | None = str(httpx.URL(UNUSED, params=query))
    while url is not None:
        page = await live.http.get(url, headers=live.bearer)
        assert page.status_code == 200, page.text
        found |= {each["clientId"]: each for each in page.json()}
        url = page.links.get("next", {}).get("url")
    return found


async def test_what_no_token_used_is_listed_with_the_commands_that_remove_it(live: Live, aged: tuple[str, str, str]):
    used, idle, enabled = aged

    async def left_out() -> bool:
        return enabled not in await listed(live)

    await until(left_out)  # the history follows the log
    for query in ({"days": "30"}, {"limit": "2"}):
        found = await listed(live, **query)
        assert (found[idle]["unused"], found[idle]["commands"]) == (True, [f"muniment clients disable {idle}"])
        assert found[used]["scopes"] == [{"scope": "crm:write", "lastUsedUtc": None}]
        assert found[used]["secrets"] == []
        assert found[used]["commands"] == [f"muniment clients edit {used} --remove-scope crm:write"]
    assert not {used, idle} & set(await listed(live, days="101"))
    told = await on(live.database, "clients", "unused", "--days", "90")
    assert f"muniment clients edit {used} --remove-scope crm:write" in told.out
    script = await on(live.database, "clients", "unused", "--json")
    assert {each["client_id"] for each in script.json} >= {used, idle}
    for days in ("0", "3651", "x", "-1"):
        assert set(refused(await live.http.get(UNUSED, params={"days": days}, headers=live.bearer), 400)["errors"]) == {
            "days"
        }


async def test_while_the_usage_is_behind_nothing_is_called_unused(live: Live):
    connection = await asyncpg.connect(live.database)
    await connection.execute("update read.checkpoints set state = 'failed' where name = 'usage_daily'")
    try:
        assert "usage_daily" in refused(await live.http.get(UNUSED, headers=live.bearer), 503)["detail"]
        told = await on(live.database, "clients", "unused")
        assert (told.status, "usage_daily" in told.err) == (1, True)
    finally:
        await connection.execute("update read.checkpoints set state = 'active' where name = 'usage_daily'")
        await connection.close()
