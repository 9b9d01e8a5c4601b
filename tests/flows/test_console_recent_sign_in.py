"""Changes in the console that need a recent sign-in: which they are, and what comes of their forms."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from service.clock import utc_now
from service.console import recent_sign_in
from service.console.registry import screens
from service.values.scopes import ACRS
from tests.flows.browsing import PASSWORD, Form, Shown
from tests.flows.conftest import Live, new_database, serving
from tests.flows.consoles import Staff, form, opened, places, staff
from tests.flows.people import registered
from tests.flows.test_blast_radius import jti_of

SENSITIVE: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "/clients/{client_id}": {"delete": {}, "enable": {}, "restore": {"keep": "yes"}},
    "/clients/{client_id}/blast-radius": {"stop": {}},
    "/clients/{client_id}/edit": {"version": {"scopes": "api:public operate"}},
    "/clients/{client_id}/secrets": {"add": {"name": "May", "days": "90", "others": "7"}},
    "/clients/{client_id}/keys": {
        "add": {
            "jwk": '{{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}',
            "name": "May",
            "days": "90",
        }
    },
    "/new/client?kind=machine": {"kind": {"displayName": "Ops", "botUserId": "bot-1", "scopes": "clients:write"}},
    "/initial-access-tokens": {
        "create": {"name": "agents", "uses": "25", "scopes": "crm:read", "machineClients": "true", "days": "30"}
    },
    "/apis/{api_id}": {"delete": {}},
    "/apis/{api_id}/edit": {"version": {"name": "Contacts"}},
    "/new/api": {"identifier": {"identifier": "urn:example:new:{user_id}", "name": "Notes"}},
    "/trusted-issuers/{issuer_id}": {"enable": {}, "delete": {}},
    "/trusted-issuers/{issuer_id}/edit": {"version": {"name": "Builds", "purposes.id_jag": "yes"}},
    "/new/trusted-issuer": {
        "issuer": {"issuer": "https://new-{user_id}.example.com", "name": "CI", "purposes.workload": "yes"}
    },
    "/bots/{bot_id}": {"delete": {}, "enable": {}, "restore": {}},
    "/users/{user_id}": {
        "enable": {},
        "erase": {"confirm": "{user_id}"},
        **{f"give-{role}": {} for role in ("operator", "auditor", "owner")},
    },
    "/new/user": {"email": {"email": "{user_id}@new.example.com", "name": "Grace Hopper", "role": "auditor"}},
}
"""By page and form: what is filled in besides the reason. A name in braces is that of a parameter of a path."""

CASES = [(path, which, fields) for path, forms in SENSITIVE.items() for which, fields in forms.items()]
REASON = "Ü is a letter, <b> is not"


def an_hour_ago() -> datetime:
    return utc_now() - timedelta(hours=1)


async def followed(somebody: Staff, answer: httpx.Response) -> httpx.Response:
    for _ in range(5):
        if answer.status_code != 303:
            break
        answer = await somebody.browser.http.get(answer.headers["location"], headers={"Accept": "text/html"})
    return answer


async def signed_in_again(somebody: Staff, answer: httpx.Response, email: str = "") -> Shown:
    """The page to which a new sign-in leads, which this answer asks for."""
    signing_in = Shown(await followed(somebody, answer))
    assert signing_in.form("password").fields["username"] == somebody.email
    sent = await somebody.browser.send(signing_in.form("password"), username=email or somebody.email, password=PASSWORD)
    return Shown(await followed(somebody, sent))


async def found_by(live: Live, path: str, which: str) -> Mapping[str, str]:
    """Something for each parameter of a path, in the state in which its page has this form."""
    known = {**await places(live), "user_id": str((await registered(live))[0])}
    about = f"/api/v1/auth{path.format(**known)}"
    if which == "restore":
        assert (await live.http.delete(about, headers=live.bearer)).is_success
    if which == "enable":
        assert (await live.http.post(f"{about}/disable", headers=live.bearer)).is_success
    return known


def filled(page: Shown, which: str, fields: Mapping[str, str]) -> Form:
    found = form(page, which)
    assert {name: found.fields.get(name) for name in fields} == fields
    return found


async def _position(live: Live) -> int:
    """The last position of what the console and its people may change."""
    kinds = "type !~ '^(audit|refusal|session|authorization|user.password)'"
    return await live.beside.ledger.pool.fetchval(f"select max(position) from log.events where {kinds}")


@pytest.mark.parametrize(("path", "which", "fields"), CASES)
async def test_a_sensitive_change_needs_a_recent_sign_in_and_its_form_comes_back_as_it_was(
    live: Live, path: str, which: str, fields: Mapping[str, str]
):
    await comes_back(live, path, which, fields)


async def comes_back(live: Live, path: str, which: str, fields: Mapping[str, str]) -> None:
    known = await found_by(live, path, which)
    fields = {name: text.format(**known) for name, text in fields.items()}
    async with staff(live, "operator", proved_at=an_hour_ago()) as somebody:
        page = await somebody.look(path.format(**known))
        before = await _position(live)
        asked = await somebody.send(page, which, reason=REASON, **fields)
        query = parse_qs(urlsplit(asked.headers["location"]).query)
        assert (asked.status_code, query["max_age"]) == (303, ["600"])
        assert len(asked.headers["location"]) + sum(map(len, asked.headers.values())) < 4096
        back = await signed_in_again(somebody, asked)
        assert "The form is as you left it" in back.text
        found = filled(back, which, {**fields, "reason": REASON})
        assert await _position(live) == before
        done = await somebody.browser.send(found)
        assert (done.status_code in (200, 303), await _position(live) > before) == (True, True), done.text
        again = await somebody.look(asked.request.url.path.removeprefix("/console"))
        assert "The form is as you left it" not in again.text


@pytest.mark.parametrize(("path", "which"), [("/clients/{client_id}", "delete"), ("/new/user", "email")])
async def test_after_a_recent_sign_in_nothing_is_asked(live: Live, path: str, which: str):
    """(Of every form the test before shows it: it is carried out after the new sign-in.)"""
    await asks_nothing(live, path, which, SENSITIVE[path][which])


async def asks_nothing(live: Live, path: str, which: str, fields: Mapping[str, str]) -> None:
    known = await found_by(live, path, which)
    fields = {name: text.format(**known) for name, text in fields.items()}
    async with staff(live, "operator", proved_at=utc_now() - timedelta(minutes=5)) as somebody:
        page = await somebody.look(path.format(**known))
        done = await somebody.send(page, which, reason="x", **fields)
        assert "/openid/authorize" not in done.headers.get("location", "")
        assert done.status_code in (200, 303), done.text


async def test_a_rotation_of_the_keys_is_sensitive_too(postgres: str):
    """It has a service of its own, whose keys no other test counts."""
    async with serving(await new_database(postgres), rate_limit=0, failed_auth_limit=0) as live:
        await comes_back(live, "/keys", "rotate", {})
        await asks_nothing(live, "/keys", "rotate", {})


@pytest.mark.parametrize("between", [" ", ",", ", ", "\t", "\r\n"])
def test_a_scope_that_gives_power_is_found_however_the_list_is_typed(between: str):
    for scope in ("operate", "introspect:all", "introspect:https://crm.example.com"):
        assert recent_sign_in.gives_power({"scopes": between.join(("api:public", scope, "crm:read"))})
    assert not recent_sign_in.gives_power({"scopes": between.join(("api:public", "crm:operate"))})


def test_these_are_all_pages_with_sensitive_forms():
    found = {screen.path for screen in screens() if screen.sensitive is not None}
    assert found == {path.partition("?")[0] for path in SENSITIVE} | {"/blast-radius", "/keys"}


async def test_what_can_be_undone_and_what_is_only_read_needs_no_new_sign_in(live: Live):
    client, _ = await live.register()
    user, _ = await registered(live)
    await live.beside.sessions.start(user, ("pwd",), ACRS[0], None)
    async with staff(live, "operator", proved_at=an_hour_ago()) as somebody:
        for path, which, fields in (
            (f"/clients/{client}", "disable", {}),
            (f"/clients/{client}/edit", "version", {"displayName": "Renamed"}),
            (f"/users/{user}/sessions", "end-all", {}),
            (f"/users/{user}", "disable", {}),
        ):
            done = await somebody.send(await somebody.look(path), which, reason="x", **fields)
            assert "/console" in done.headers["location"], path
        made = await somebody.send(await somebody.look("/new/client?kind=machine"), "kind", botUserId="b", reason="x")
        assert "/openid/authorize" not in made.headers.get("location", "")
        assert (await somebody.look(f"/blast-radius?id={client}")).status == 200


async def test_a_tree_is_stopped_from_the_page_of_anything_too_and_the_form_keeps_its_beginning(live: Live):
    client, secret = await live.register()
    token = jti_of(await live.access_token(client, secret))
    async with staff(live, "operator", proved_at=an_hour_ago()) as somebody:
        page = await somebody.look(f"/blast-radius?id={client}&since=position:1")
        back = await signed_in_again(somebody, await somebody.send(page, "stop", reason=REASON))
        found = filled(back, "stop", {"id": client, "since": "position:1", "reason": REASON})
        assert token in back.text
        assert (await somebody.browser.send(found)).status_code == 200
    assert (await live.token_for(client, secret)).status_code == 401


async def test_nobody_else_gets_the_form_and_another_account_does_not_do(live: Live):
    user, _ = await registered(live)
    _, email = await registered(live)
    async with staff(live, "operator", proved_at=an_hour_ago()) as somebody:
        page = await somebody.look(f"/users/{user}")
        asked = await somebody.send(page, "erase", confirm=str(user), reason=REASON)
        refused = await signed_in_again(somebody, asked, email)
        assert "/console" not in refused.text
        assert "password" in refused.form("password").fields, "the sign-in asks again for the right person"
        shown = Shown(await opened(somebody, f"/users/{user}"))
        assert REASON not in shown.text
        assert all(each.fields.get("reason") != REASON for each in shown.forms)


async def test_the_kept_form_of_a_change_does_not_hide_what_somebody_else_changed_meanwhile(live: Live):
    client, _ = await live.register(displayName="Before")
    async with staff(live, "operator", proved_at=an_hour_ago()) as somebody:
        page = await somebody.look(f"/clients/{client}/edit")
        asked = await somebody.send(page, "version", reason="x", scopes="api:public operate")
        headers = {**live.bearer, "If-Match": "*"}
        path = f"/api/v1/auth/clients/{client}"
        assert (await live.http.patch(path, json={"displayName": "Theirs"}, headers=headers)).status_code == 200
        back = await signed_in_again(somebody, asked)
        stale = await somebody.browser.send(back.form("version"))
        assert (stale.status_code, "Another person changed this client meanwhile" in Shown(stale).text) == (412, True)


@pytest.mark.parametrize(("reason", "status"), [(REASON, 303), ("\U0001f916" * 500, 403)], ids=["short", "long"])
async def test_no_password_waits_with_a_form_and_the_page_says_so(live: Live, reason: str, status: int):
    secret, fields = "correct horse battery staple", {"email": f"{uuid4()}@example.com", "role": "owner"}
    async with staff(live, "operator", proved_at=an_hour_ago()) as somebody:
        page = await somebody.look("/new/user")
        asked = await somebody.send(page, "email", password=secret, reason=reason, **fields)
        assert asked.status_code == status
        back = Shown(asked) if status == 403 else await signed_in_again(somebody, asked)
        assert ("no password is kept" in back.text.lower(), secret in back.text) == (True, False)
        filled(back, "email", {**fields, "reason": reason, "password": ""})


async def test_a_form_that_is_too_long_to_wait_elsewhere_waits_in_a_page(live: Live):
    uris = "\n".join(f"https://app.example.com/{number}/{100 * 'x'}" for number in range(20))
    fields = {"displayName": "Ops", "redirectUris": uris, "scopes": "operate", "reason": REASON}
    async with staff(live, "operator", proved_at=an_hour_ago()) as somebody:
        page = await somebody.look("/new/client?kind=web")
        waits = Shown(await somebody.send(page, "kind", **fields))
        assert (waits.status, "Sign in again in another tab." in waits.text) == (403, True)
        found = filled(waits, "redirectUris", fields)
        (link,) = (link for link in waits.links if "/signin" in link)
        signing_in = await somebody.browser.look(link)
        await somebody.browser.send(signing_in.form("password"), username=somebody.email, password=PASSWORD)
        done = await somebody.browser.send(found)
        assert done.status_code in (200, 303), done.text
