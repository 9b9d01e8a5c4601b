"""What a person, or a program of theirs, may put into the forms of the console: no value, and no form without a field, is a 500."""

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping

import httpx
import pytest
from msgspec import Struct

from service.console.registry import screens
from tests.flows.conftest import Live, new_database, serving
from tests.flows.consoles import Staff, paths, places, staff

VALUES = (
    "✓",
    "\0",
    "²",
    "'\r\nX: y",
    "../..?a=b",
    "9999-12-31T00:00:00+00:00",
    "0001-01-01T00:00:00+14:00",
    "position:" + 30 * "9",
    5000 * "x",
)
"""None of them is a word that a form has a meaning for."""

TOKEN = "csrf"
"""A field of every form that changes something. `Page` checks it before any page reads the form, so one form stands for all."""

CHOICES = ("?kind=machine", "?kind=web", "?kind=public")
"""The second step of /new/client."""


@pytest.fixture(scope="module")
async def live(postgres: str) -> AsyncIterator[Live]:
    """A service of its own, for some of the forms rotate the keys."""
    async with serving(await new_database(postgres), rate_limit=0, failed_auth_limit=0) as live:
        yield live


class Sent(Struct, frozen=True, kw_only=True):
    """A form of a page, filled in, as a browser sends it."""

    method: str
    action: str
    fields: Mapping[str, str]


ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _kinds(page: str) -> Iterable[Sent]:
    """One form of each kind: a list has one for each of its rows, which differ in an id."""
    found = dict[object, Sent]()
    for sent in _forms(page):
        does = ID.sub("", f"{sent.method} {sent.action} {sent.fields.get('do')}")
        found.setdefault((does, tuple(sent.fields)), sent)
    return found.values()


def _forms(page: str) -> Iterator[Sent]:
    """The forms that are sent to the server. Of each list the last choice is chosen, and each box is ticked."""
    for attributes, inside in re.findall(r"<form ([^>]*)>(.*?)</form>", page, re.DOTALL):
        method, action = re.search(r'method="(\w+)"', attributes), re.search(r'action="([^"]*)"', attributes)
        if method is not None and action is not None and not action[1].endswith("/sign-out"):
            yield Sent(method=method[1], action=action[1], fields=_fields(inside))


def _fields(inside: str) -> Mapping[str, str]:
    named = re.findall(r'<(?:input|textarea|button|select)\b[^>]*?\bname="([^"]+)"[^>]*>', inside)
    given = re.findall(r'<(?:input|button)\b[^>]*?\bname="([^"]+)"[^>]*?\bvalue="([^"]*)"', inside)
    lists = re.findall(r'<select\b[^>]*?\bname="([^"]+)"[^>]*>(.*?)</select>', inside, re.DOTALL)
    last = {name: found[-1] for name, options in lists if (found := re.findall(r'value="([^"]*)"', options))}
    return {**dict.fromkeys(named, "x"), **dict(given), **last}


async def _answer(somebody: Staff, sent: Sent, fields: Mapping[str, str]) -> httpx.Response:
    http, headers = somebody.browser.http, {"Accept": "text/html"}
    if sent.method == "get":
        return await http.get(sent.action, params=fields, headers=headers)
    return await http.post(sent.action, data=fields, headers=headers)


async def _faults(somebody: Staff, sent: Sent) -> list[str]:
    """Which of the form's own fields lead to a 500, with which value or without any."""
    return await _faults_of(somebody, sent, [name for name in sent.fields if name != TOKEN])


async def _faults_of(somebody: Staff, sent: Sent, names: Iterable[str]) -> list[str]:
    found = list[str]()
    for name in names:
        lacking = {other: value for other, value in sent.fields.items() if other != name}
        for fields in (lacking, *({**sent.fields, name: value} for value in VALUES)):
            answer = await _answer(somebody, sent, fields)
            if answer.status_code >= 500:
                found.append(f"{sent.method} {sent.action} {name}={fields.get(name, 'nothing')!r:.40}")
    return found


async def _asks(live: Live, template: str) -> list[str]:
    """The page of new things; that of a new client asks first which kind it is."""
    known = await places(live)
    path = dict(zip((screen.path for screen in screens()), paths(known), strict=True))[template]
    return [path, *(f"{path}{choice}" for choice in CHOICES if template == "/new/client")]


@pytest.mark.parametrize("template", [screen.path for screen in screens()])
async def test_no_field_of_a_form_is_a_fault_of_ours(live: Live, template: str):
    async with staff(live, "operator") as somebody:
        for path in await _asks(live, template):
            page = await somebody.browser.http.get(f"/console{path}", headers={"Accept": "text/html"})
            assert page.status_code == 200, page.text
            found = [fault for sent in _kinds(page.text) for fault in await _faults(somebody, sent)]
            assert found == []


async def test_no_token_of_a_form_is_a_fault_of_ours(live: Live):
    async with staff(live, "operator") as somebody:
        page = await somebody.browser.http.get("/console/new/client?kind=machine", headers={"Accept": "text/html"})
        sent = [each for each in _forms(page.text) if TOKEN in each.fields]
        assert sent
        assert await _faults_of(somebody, sent[0], [TOKEN]) == []


@pytest.mark.parametrize("kind", ["clients", "bots"])
async def test_no_field_of_the_form_that_restores_is_a_fault_of_ours(live: Live, kind: str):
    known = await places(live)
    path = f"{kind}/{known['client_id' if kind == 'clients' else 'bot_id']}"
    assert (await live.http.delete(f"/api/v1/auth/{path}", headers=live.bearer)).status_code == 204
    async with staff(live, "operator") as somebody:
        page = await somebody.browser.http.get(f"/console/{path}", headers={"Accept": "text/html"})
        sent = [each for each in _forms(page.text) if each.fields.get("do") == "restore"]
        assert len(sent) == 1
        assert await _faults(somebody, sent[0]) == []
