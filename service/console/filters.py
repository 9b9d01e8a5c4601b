"""The filters of a list, as somebody types them: what the rows show is resolved to ids, so that no address of a page has an e-mail address.

A form of filters is sent by POST and answered by a redirect to the list with the ids, which is the query of the API.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from starlette.responses import Response

from service.console import resolved
from service.console.api import CLIENTS, EVENTS
from service.console.forms import FormState
from service.console.language import N_
from service.console.names import Names, Ref, holder
from service.console.resolved import NoneNamed
from service.console.screen import ConsoleVisit
from service.endpoints.audit_tokens import TOKENS_PATH
from service.grants.closed_values import is_closed
from service.values.credential_form import has_credential

A_CREDENTIAL = N_(
    "This is a secret or a token. To learn what it belongs to, paste it into the form under Blast radius."
)
NO_ACTOR = N_(
    "Nobody with this name did anything that was recorded. Of a user, give the whole email address or the ID."
)
NO_OWNER = N_("Nobody with this ID owns a client. Of a user, give the whole email address or the ID.")
NO_SUBJECT = N_("No token has this subject. Of a user, give the whole email address or the ID.")
NO_USER_ID = N_("No user has this ID. Give the ID, or the whole email address.")
NO_ADDRESS = N_("There are no email addresses here.")

Resolve = Callable[[ConsoleVisit, str], Awaitable[str]]
"""Returns the id of what the text names. Raises NoneNamed."""


async def user(visit: ConsoleVisit, text: str) -> str:
    if is_closed("user", text):
        return text
    if "@" not in text:
        raise NoneNamed(NO_USER_ID)
    return await resolved.user(visit, text)


async def actor(visit: ConsoleVisit, text: str) -> str:
    """Also by a client's name: the client is the agent of what it did. Everybody may have the name of an operator of the server itself."""
    return await _known(visit, text, (resolved.bot, resolved.client, _addressed), (EVENTS, "actor"), NO_ACTOR)


async def bot(visit: ConsoleVisit, text: str) -> str:
    return await _known(visit, text, (resolved.bot,), (EVENTS, "bot"), resolved.NO_BOT)


async def owner(visit: ConsoleVisit, text: str) -> str:
    return await _known(visit, text, (resolved.bot, _addressed), (CLIENTS, "owner"), NO_OWNER)


async def acts_as(visit: ConsoleVisit, text: str) -> str:
    return await _known(visit, text, (resolved.bot,), (CLIENTS, "botUserId"), resolved.NO_BOT)


async def subject(visit: ConsoleVisit, text: str) -> str:
    return await _known(visit, text, (resolved.bot, _addressed), (TOKENS_PATH, "subject"), NO_SUBJECT)


async def _addressed(visit: ConsoleVisit, text: str) -> str:
    if "@" not in text:
        raise NoneNamed(resolved.NO_USER)
    return await resolved.user(visit, text)


async def _known(
    visit: ConsoleVisit, text: str, resolvers: Iterable[Resolve], where: tuple[str, str], none: str
) -> str:
    """Return the id of whom the text names. Any other text is one if the list at this path has something with it, but no address is.

    Raises NoneNamed.
    """
    path, name = where
    last = NoneNamed(none)
    if is_closed(name, text):
        return text
    for resolve in resolvers:
        try:
            return await resolve(visit, text)
        except NoneNamed as fault:
            if fault.sentence == resolved.MANY_CLIENTS:
                raise
            last = fault
    if "@" in text:
        raise last
    if await resolved.has_any(visit, path, name, text):
        return text
    raise NoneNamed(none)


def typed(visit: ConsoleVisit) -> Mapping[str, str]:
    """Return what the form of filters says; of a typed URL, its query."""
    return visit.form if visit.browser.request.method == "POST" else visit.query


async def led(
    visit: ConsoleVisit, given: Mapping[str, str], names: Sequence[str], resolvers: Mapping[str, Resolve]
) -> Response | FormState:
    """Return the redirect to the list, or the form with what is wrong: then nothing was searched."""
    said = {name: text for name in names if (text := given.get(name, "").strip())}
    chosen: dict[str, str] = {}
    errors: dict[str, list[str]] = {}
    for name, text in said.items():
        try:
            chosen[name] = await _checked(visit, name, text, resolvers)
        except NoneNamed as fault:
            errors[name] = [visit.gettext(fault.sentence)]
    return FormState(values=said, errors=errors) if errors else visit.to(visit.here_with(**chosen))


def has_address(visit: ConsoleVisit, resolvers: Mapping[str, Resolve]) -> bool:
    """Return whether the page's own query has an e-mail address in the place of an id, as a typed URL may."""
    return any("@" in visit.query.get(name, "") for name in resolvers)


async def _checked(visit: ConsoleVisit, name: str, text: str, resolvers: Mapping[str, Resolve]) -> str:
    if has_credential([text]):
        raise NoneNamed(A_CREDENTIAL)
    if name in resolvers:
        return await resolvers[name](visit, text)
    if "@" in text:
        raise NoneNamed(NO_ADDRESS)
    return text


async def named(visit: ConsoleVisit, chosen: Mapping[str, str]) -> Mapping[str, str]:
    """Return the names of what the filters have chosen, by filter; "" for what has none."""
    things = {name: _thing(name, text) for name, text in chosen.items() if is_closed(name, text)}
    names = Names(visit)
    await names.learn(thing for thing in things.values() if thing is not None)
    return {name: names.known(thing) for name, thing in things.items() if thing is not None}


def _thing(name: str, text: str) -> Ref | None:
    match name:
        case "client" | "user" | "bot":
            return name, text
        case "botUserId":
            return "bot", text
        case "actor" | "owner" | "subject":
            return ("client", text) if text.startswith("oauth_client_") else holder(text)
        case _:
            return None
