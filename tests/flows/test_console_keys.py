"""The console's page of a client's public keys: they are added, rotated and revoked there."""

import json

from tests.flows.conftest import Live
from tests.flows.consoles import staff
from tests.flows.test_private_key_jwt import CLIENTS, KEY, OTHER, assertion, public, registered, token


async def test_a_key_is_rotated_without_an_outage(live: Live):
    client = await registered(live)
    assert (await token(live, **assertion(live, client))).status_code == 200
    async with staff(live, "operator") as somebody:
        page = await somebody.look(f"/clients/{client}/keys")
        assert all(each in page.text for each in ("mine", "ES256", "Revoke this key"))
        fields = {"jwk": json.dumps({"keys": [public(OTHER)]}), "name": "May", "days": "365", "others": "7"}
        for _ in range(2):  # the answer to the first gets lost
            added = await somebody.led(await somebody.send(page, "key", **fields, reason="yearly"))
            assert "The key is added." in added.text
        old, new = (await live.http.get(f"{CLIENTS}/{client}/keys", headers=live.bearer)).json()
        assert (new["name"], old["expiresUtc"] is None, new["expiresUtc"] is None) == ("May", False, False)
        assert (await token(live, **assertion(live, client, key=OTHER))).status_code == 200
        page = await somebody.look(f"/clients/{client}/keys")
        revoke = next(each for each in page.forms if each.fields.get("do") == f"revoke-{old['keyId']}")
        revoked = await somebody.browser.send(revoke, reason="rotated")
        assert "The key is revoked." in (await somebody.led(revoked)).text
        assert (await token(live, **assertion(live, client, key=KEY))).status_code == 401
        about = await somebody.look(f"/clients/{client}")
        assert all(each in about.text for each in ("Authenticates by", "private_key_jwt"))
        german = await somebody.look(f"/clients/{client}/keys", **{"Accept-Language": "de"})
        assert "Schlüssel hinzufügen" in german.text


async def test_what_is_no_public_key_is_refused_beside_its_field(live: Live):
    client = await registered(live)
    private = dict(OTHER.as_dict(private=True))
    async with staff(live, "operator") as somebody:
        page = await somebody.look(f"/clients/{client}/keys")
        for jwk in ("no JSON", "[1]", '{"kty": "oct", "k": "c2VjcmV0"}', '{"keys": [7]}', json.dumps(private)):
            answer = await somebody.send(page, "key", jwk=jwk, reason="x")
            assert answer.status_code == 400, (jwk, answer.text)
            assert str(private["d"]) not in answer.text
        assert len((await live.http.get(f"{CLIENTS}/{client}/keys", headers=live.bearer)).json()) == 1
