"""muniment apis, and the options of clients that grant them: what the API would do, at the command line."""

from tests.flows.conftest import Live, oauth_error
from tests.flows.test_cli import on
from tests.flows.test_cli_changes import created, refusals, shown

CRM = "https://crm.example.com/cli"


async def test_an_api_is_registered_granted_changed_and_deleted(live: Live):
    async def ran(*words: str) -> str:
        ended = await on(live.database, "apis", *words)
        assert ended.status == 0, ended.err
        return ended.out

    api_id = (
        await ran("create", CRM, "--name", "CRM", "--scope", "crm:read=Read your contacts", "--scope", "crm:write")
    ).strip()
    client = await created(live, "--bot", "bot-abc123", "--api", f"{CRM} crm:read crm:write")
    assert (await shown(live, client["client_id"]))["apis"] == [
        {"identifier": CRM, "scopes": ["crm:read", "crm:write"]}
    ]
    token = (await live.token_for(client["client_id"], client["client_secret"], resource=CRM)).json()
    assert token["scope"] == "crm:read crm:write"
    await ran(
        "edit",
        CRM,
        "--lifetime",
        "90",
        "--words",
        "de crm:read=Deine Kontakte lesen",
        "--dpop",
        "no",
        "--reason",
        "CR 8",
    )
    told = (await on(live.database, "apis", "show", api_id, "--json")).json
    assert told["scopes"] == {"crm:read": {"en": "Read your contacts", "de": "Deine Kontakte lesen"}, "crm:write": {}}
    assert (told["token_lifetime"], told["version"]) == (90, 2)
    assert "de: Deine Kontakte lesen" in await ran("show", CRM)
    assert CRM in await ran("list")
    edited = await on(live.database, "clients", "edit", client["client_id"], "--remove-api", CRM)
    assert edited.status == 0, edited.err
    oauth_error(await live.token_for(client["client_id"], client["client_secret"], resource=CRM), 400, "invalid_target")
    again = await on(live.database, "clients", "edit", client["client_id"], "--add-api", f"{CRM} crm:read")
    assert again.status == 0, again.err
    assert (await ran("delete", CRM, "--yes")).strip() == f"{CRM} is deleted, and withdrawn from 1 client."
    assert (await shown(live, client["client_id"]))["apis"] == []
    told = await ran("history", CRM, "--diff")
    assert all(part in told for part in (f"the API {CRM} registered", "accessTokenLifetime  null → 90", "CR 8"))
    lines = (await on(live.database, "apis", "history", api_id, "--json")).lines
    assert [line["type"] for line in lines] == ["api.registered", "api.changed", "api.deleted"]
    assert "There never was an API urn:no" in (await on(live.database, "apis", "history", "urn:no")).err


async def test_what_cannot_be_is_refused_in_sentences(live: Live):
    wrong = await on(
        live.database, "apis", "create", "crm", "--scope", "openid", "--claim", "password", "--introspector", "nobody"
    )
    faults = refusals(wrong)
    assert all(
        any(part in each for each in faults)
        for part in ("IDENTIFIER must be", "--scope openid", "--claim has", "--introspector [0]")
    )
    assert len(set(faults)) == len(faults), "each fault is named once"
    assert refusals(await on(live.database, "apis", "show", "urn:nobody")) == [
        "There is no API urn:nobody. muniment apis list has those that there are."
    ]
    assert "--help" in refusals(await on(live.database, "apis", "edit", "urn:nobody"))[0]
    host = "https://slash.example.com"
    assert (await on(live.database, "apis", "create", host)).status == 0
    assert refusals(await on(live.database, "apis", "create", f"{host}/")) == [
        f"IDENTIFIER is the same as that of the API {host}: an empty path is the same as /."
    ]
    unknown = await on(
        live.database, "clients", "create", "--owner", "crm-team", "--bot", "bot-abc123", "--api", "urn:nobody a"
    )
    assert "--api [0] is no registered API" in refusals(unknown)[0]
