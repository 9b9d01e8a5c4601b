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
    assert IDP in await ran("list")
    assert (await ran("disable", IDP)).strip() == f"{IDP} is disabled."
    assert (await ran("enable", IDP)).strip() == f"{IDP} is active."
    assert (await ran("delete", IDP, "--yes")).strip() == f"{IDP} is deleted."


async def test_what_cannot_be_trusted_is_refused_by_its_option(live: Live):
    for words, said in (
        (("create", "http://idp.example.com", "--purpose", "workload"), "ISSUER must be https"),
        (("create", IDP, "--purpose", "everything"), "--purpose"),
        (("create", IDP, "--purpose", "workload", "--provisions"), "--provisions"),
        (("create", IDP, "--purpose", "workload", "--jwks", "/nowhere"), "cannot be read"),
        (("show", "https://nobody.example.com"), "There is no trusted issuer"),
        (("disable", "https://nobody.example.com"), "There is no trusted issuer"),
    ):
        ended = await on(live.database, "trusted-issuers", *words)
        assert ended.status != 0
        assert said in ended.err, ended.err
