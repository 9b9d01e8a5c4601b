"""muniment trusted-issuers: what the API would do, at the command line."""

import json
from pathlib import Path

from joserfc.jwk import ECKey

from tests.flows.conftest import Live
from tests.flows.test_cli import on

IDP = "https://cli-idp.example.com"


async def test_an_issuer_is_trusted_shown_disabled_enabled_and_deleted(live: Live, tmp_path: Path):
    async def ran(*words: str) -> str:
        ended = await on(live.database, "trusted-issuers", *words)
        assert ended.status == 0, ended.err
        return ended.out

    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}))
    options = ("--purpose", "id_jag", "--purpose", "subject_token", "--provisions", "--jwks", str(keys))
    issuer_id = (await ran("create", IDP, "--name", "Example", *options)).strip()
    told = json.loads(await ran("show", IDP, "--json"))
    assert (told["id"], told["purposes"], told["provisions"]) == (issuer_id, ["id_jag", "subject_token"], True)
    assert "given here (1 key)" in await ran("show", IDP)
    await ran("edit", IDP, "--name", "Renamed", "--purpose", "id_jag", "--provisions", "no", "--jwks-uri", "")
    told = json.loads(await ran("show", IDP, "--json"))
    assert (told["name"], told["purposes"], told["provisions"], told["jwks"]) == ("Renamed", ["id_jag"], False, None)
    assert IDP in await ran("list")
    assert (await ran("disable", IDP)).strip() == f"{IDP} is disabled."
    assert (await ran("enable", IDP)).strip() == f"{IDP} is active."
    assert (await ran("delete", IDP, "--yes")).strip() == f"{IDP} is deleted."
    await ran("create", IDP, "--purpose", "workload")
    told = await ran("history", IDP, "--diff")
    assert 'name "Example" → "Renamed"' in " ".join(told.split())
    lines = (await on(live.database, "trusted-issuers", "history", IDP, "--json")).lines
    kinds = [line["type"].removeprefix("trusted_issuer.") for line in lines]
    assert kinds == ["registered", "changed", "disabled", "enabled", "deleted", "registered"]
    nobody = await on(live.database, "trusted-issuers", "history", "https://nobody.example.com")
    assert "There never was" in nobody.err


async def test_what_cannot_be_trusted_is_refused_by_its_option(live: Live):
    for words, said in (
        (("create", "http://idp.example.com", "--purpose", "workload"), "ISSUER must be https"),
        (("create", IDP, "--purpose", "everything"), "--purpose"),
        (("create", IDP, "--purpose", "workload", "--provisions"), "--provisions"),
        (("create", IDP, "--purpose", "workload", "--jwks", "/nowhere"), "cannot be read"),
        (("create", IDP, "--purpose", "workload", "--name", "\udcff"), "not text in UTF-8"),
        (("edit", IDP, "--name", "\udcff"), "not text in UTF-8"),
        (("edit", IDP), "say what to change"),
        (("edit", "https://nobody.example.com", "--name", "x"), "There is no trusted issuer"),
        (("show", "https://nobody.example.com"), "There is no trusted issuer"),
        (("disable", "https://nobody.example.com"), "There is no trusted issuer"),
    ):
        ended = await on(live.database, "trusted-issuers", *words)
        assert ended.status != 0
        assert said in ended.err, ended.err


async def test_a_client_gets_its_policies_of_exchange_from_a_file(live: Live, tmp_path: Path):
    client_id, _ = await live.register()
    file = tmp_path / "policies.json"
    policy = {"clients": [client_id], "audiences": ["https://crm.example.com"], "scopes": ["crm:read"]}
    file.write_text(json.dumps([policy]))
    ended = await on(live.database, "clients", "edit", client_id, "--token-exchange", str(file))
    assert ended.status == 0, ended.err
    words = ("--owner", "crm-team", "--bot", "agent", "--token-exchange", str(file), "--json")
    made = await on(live.database, "clients", "create", *words)
    assert made.status == 0, made.err
    other = await live.http.get(f"/api/v1/auth/clients/{made.json['client_id']}", headers=live.bearer)
    assert policy.items() <= other.json()["tokenExchange"][0].items()
    there = f"/api/v1/auth/clients/{client_id}"
    (shown,) = (await live.http.get(there, headers=live.bearer)).json()["tokenExchange"]
    assert policy.items() <= shown.items()
    file.write_text(json.dumps([{**policy, "scopes": ["operate"]}]))
    refused = await on(live.database, "clients", "edit", client_id, "--token-exchange", str(file))
    assert "--token-exchange" in refused.err
    assert (await on(live.database, "clients", "edit", client_id, "--token-exchange", "")).status == 0
    assert (await live.http.get(there, headers=live.bearer)).json()["tokenExchange"] == []
