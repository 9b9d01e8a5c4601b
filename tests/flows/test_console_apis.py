"""The pages of APIs in the console: registered, granted to a client, changed and deleted."""

from tests.flows.browsing import Shown
from tests.flows.conftest import Live, oauth_error
from tests.flows.consoles import staff

CRM = "https://crm.example.com/console"


async def test_an_api_is_registered_granted_changed_and_deleted_and_each_page_says_so(live: Live):
    client = await live.register(displayName="CRM sync")
    async with staff(live, "operator") as somebody:
        page = await somebody.look("/new/api")
        wrong = Shown(
            await somebody.send(page, "identifier", identifier="crm", name="CRM", accessTokenLifetime="x", reason="x")
        )
        assert wrong.status == 400
        assert wrong.form("identifier").fields["accessTokenLifetime"] == "x"
        words = "crm:read en Read your contacts\ncrm:read de Deine Kontakte lesen\ncrm:write"
        made = await somebody.send(page, "identifier", identifier=CRM, name="CRM", scopes=words, reason="CRM-7")
        there = made.headers["location"].partition("/console")[2]
        shown = await somebody.look(there)
        assert all(
            text in shown.text
            for text in ("Read your contacts", "Deine Kontakte lesen", "crm:write", "No client is granted it")
        )
        at = f"/clients/{client[0]}"
        edit = await somebody.look(f"{at}/edit")
        refused = Shown(await somebody.send(edit, "version", apis=f"{CRM} crm:no", reason="x"))
        assert "crm:no" in refused.text
        assert (await somebody.send(edit, "version", apis=f"{CRM} crm:read", reason="it reads")).status_code == 303
        assert CRM in (await somebody.look(at)).text
        assert "CRM sync" in (await somebody.look(there)).text
        assert (await live.token_for(*client, resource=CRM)).json()["scope"] == "crm:read"
        change = await somebody.look(f"{there}/edit")
        assert sorted(change.form("version").fields["scopes"].splitlines()) == sorted(words.splitlines())
        assert (await somebody.send(change, "version", accessTokenLifetime="90", reason="short")).status_code == 303
        assert (await live.token_for(*client, resource=CRM)).json()["expires_in"] == 90
        assert (await somebody.send(await somebody.look(there), "delete", reason="gone")).status_code == 303
        oauth_error(await live.token_for(*client, resource=CRM), 400, "invalid_target")
        listed = (await somebody.look("/apis")).text
        assert ("Management API" in listed, CRM in listed) == (True, False)
        assert "Built in" in (await somebody.look("/apis/management")).text
