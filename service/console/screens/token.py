"""/console/tokens/{jti}: why a token exists, by the events that it relies on; and its proof as a file."""

from collections.abc import Sequence

from msgspec import Struct
from starlette.responses import Response

from service.audit.event_json import AuditEvent
from service.clock import utc_now
from service.console import events, feeds
from service.console.events import Shown
from service.console.language import N_
from service.console.names import Names, holder
from service.console.places import page_about
from service.console.screen import ConsoleVisit, Crumb, Screen
from service.endpoints.audit_tokens import TOKENS_PATH
from service.provenance.answer import Login, Provenance
from service.values.scopes import AUDIT_READ


class Ground(Struct, frozen=True, kw_only=True):
    """One of the things that a token relies on: what it is, its name, and the events that made it so."""

    label: str
    name: str
    events: Sequence[AuditEvent]


async def show(visit: ConsoleVisit) -> Response:
    jti = visit.param("jti")
    path = f"{TOKENS_PATH}/{jti}"
    if visit.query.get("proof") == "true":
        return feeds.download(await visit.api.get(path, proof="true"), f"token-{jti}.proof.json")
    why = (await visit.api.get(path)).of(Provenance)
    token, names = why.token, Names(visit)
    subject = ("user", token.sub) if why.login else holder(token.sub)
    await names.learn([subject])
    return visit.page(
        "token.html",
        title=visit.gettext("Token"),
        crumbs=[Crumb(visit.gettext("Tokens"), "/tokens")],
        token=token,
        why=why,
        grounds=await _shown(visit, _grounds(why, names.of(subject))),
        stopped=await events.shown(visit, why.stopped),
        is_expired=token.expires_at <= utc_now(),
        client_url=page_about(visit, "client", why.client.client_id),
        subject=names.known(subject),
        subject_url=page_about(visit, *subject) if why.login or why.bot else "",
        parents=[] if why.login is None else [each.jti for each in why.login.parents],
    )


async def _shown(visit: ConsoleVisit, grounds: Sequence[Ground]) -> list[tuple[str, str, list[Shown]]]:
    """Return the grounds with their events. All actors are named at once, so that each is read once."""
    every = await events.shown(visit, [event for ground in grounds for event in ground.events])
    rows = iter(every)
    return [(visit.gettext(each.label), each.name, [next(rows) for _ in each.events]) for each in grounds]


def _grounds(why: Provenance, subject: str) -> list[Ground]:
    client = why.client
    of_client = [client.registered, *([client.last_change] if client.version > 1 else [])]
    found = [Ground(label=N_("Client"), name=client.display_name or client.client_id, events=of_client)]
    if why.secret is not None:
        revoked = [why.secret.revoked] if why.secret.revoked else []
        name = f"{why.secret.name} {why.secret.hint}"
        found.append(Ground(label=N_("Secret"), name=name, events=[why.secret.added, *revoked]))
    if why.bot is not None:
        found.append(Ground(label=N_("Bot"), name=subject, events=why.bot.events))
    found += [Ground(label=N_("Given scope"), name=each.scope, events=each.given) for each in why.scopes]
    found.append(Ground(label=N_("Signing key"), name=why.signing_key.kid, events=why.signing_key.events))
    return found if why.login is None else [*found, *_of_login(why.login, subject)]


def _of_login(login: Login, subject: str) -> list[Ground]:
    registered = [login.registered] if login.registered else []
    exchanged = [login.exchanged] if login.exchanged else []
    return [
        Ground(label=N_("User"), name=subject, events=registered),
        Ground(label=N_("Session"), name=str(login.session_id), events=login.authenticated),
        Ground(label=N_("Authorization"), name="", events=[login.granted, *exchanged]),
    ]


SCREENS = (Screen(path="/tokens/{jti}", get=show, needs=AUDIT_READ),)
