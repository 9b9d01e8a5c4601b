"""/console/trusted-issuers: who is trusted, for what."""

from tests.flows.conftest import Live
from tests.flows.consoles import staff
from tests.flows.test_trusted_issuers import trust


async def test_an_auditor_sees_who_is_trusted_for_what(live: Live):
    async with staff(live, "auditor") as auditor:
        assert "No other server is trusted" in (await auditor.look("/trusted-issuers")).text
        made = await trust(
            live, "https://console-idp.example.com", name="Example Corp", purposes=["id_jag", "subject_token"]
        )
        assert made.status_code == 201
        page = (await auditor.look("/trusted-issuers")).text
        for said in ("Example Corp", "https://console-idp.example.com", "id_jag", "where its metadata says"):
            assert said in page
