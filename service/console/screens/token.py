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
    """What a token relies on: what it is, its name, and the events that made it so. Scopes that were given together are one."""

    label: str
    name: str = ""
    scopes: Sequence[str] = ()
    events: Sequence[AuditEvent]


class ShownGround(Struct, frozen=True, kw_only=True):
    """`registration` is the position of the client's registration, if that is all that made it so: the page says that event once."""

    label: str
    name: str
    scopes: Sequence[str]
    events: list[Shown]
    registration: int | None
    registration_url: str


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
        grounds=await _shown(visit, _grounds(why, names.of(subject)), why.client.registered.position),
        stopped=await events.shown(visit, why.stopped),
        is_expired=token.expires_at <= utc_now(),
        client_url=page_about(visit, "client", why.client.client_id),
        subject=names.known(subject),
        subject_url=page_about(visit, *subject) if why.login or subject[0] == "bot" else "",
        parents=[] if why.login is None else [each.jti for each in why.login.parents],
    )


async def _shown(visit: ConsoleVisit, grounds: Sequence[Ground], registered: int) -> list[ShownGround]:
    """Return the grounds with their events, the client first. All actors are named at once."""
    every = await events.shown(visit, [event for ground in grounds for event in ground.events])
    rows = iter(every)
    return [
        _ground(visit, each, [next(rows) for _ in each.events], registered if number else 0)
        for number, each in enumerate(grounds)
    ]


def _ground(visit: ConsoleVisit, ground: Ground, found: list[Shown], registered: int) -> ShownGround:
    by_registration = [each.position for each in found] == [registered]
    return ShownGround(
        label=visit.gettext(ground.label),
        name=ground.name,
        scopes=ground.scopes,
        events=[] if by_registration else found,
        registration=registered if by_registration else None,
        registration_url=found[0].url if by_registration else "",
    )


def _grounds(why: Provenance, subject: str) -> list[Ground]:
    client = why.client
    of_client = [client.registered, *([client.last_change] if client.version > 1 else [])]
    found = [Ground(label=N_("Client"), name=client.display_name or client.client_id, events=of_client)]
    if why.secret is not None:
        revoked = [why.secret.revoked] if why.secret.revoked else []
        name = f"{why.secret.name} {why.secret.hint}"
        found.append(Ground(label=N_("Secret"), name=name, events=[why.secret.added, *revoked]))
    found += _of_other_keys(why)
    if why.bot is not None:
        found.append(Ground(label=N_("Bot"), name=subject, events=why.bot.events))
    found += _of_scopes(why)
    found.append(Ground(label=N_("Signing key"), name=why.signing_key.kid, events=why.signing_key.events))
    found += [
        Ground(label=N_("Exchanged token"), name=str(each.jti), events=[each.exchanged])
        for each in why.exchanged_from or ()
    ]
    return found if why.login is None else [*found, *_of_login(why.login, subject)]


def _of_other_keys(why: Provenance) -> list[Ground]:
    """How the client authenticated, if not by a secret or a key that its events have."""
    found: list[Ground] = []
    if workload := why.workload_identity:
        removed = [workload.removed] if workload.removed else []
        name = f"{workload.issuer} {workload.subject}"
        found.append(Ground(label=N_("Workload"), name=name, events=[workload.added, *removed]))
    if key := why.remote_key:
        label = N_("Key of the client") if key.jwks_uri else N_("Certificate of the client")
        found.append(Ground(label=label, name=f"{key.thumbprint} {key.jwks_uri or ''}".rstrip(), events=[key.named]))
    return found


def _of_scopes(why: Provenance) -> list[Ground]:
    together: dict[tuple[int, ...], Ground] = {}
    for each in why.scopes:
        key = tuple(event.position for event in each.given)
        ground = together.get(key, Ground(label=N_("Scopes"), events=each.given))
        together[key] = ground.__replace__(scopes=[*ground.scopes, each.scope])
    return list(together.values())


def _of_login(login: Login, subject: str) -> list[Ground]:
    registered = [login.registered] if login.registered else []
    exchanged = [login.exchanged] if login.exchanged else []
    return [
        Ground(label=N_("User"), name=subject, events=registered),
        Ground(label=N_("Session"), name=str(login.session_id), events=login.authenticated),
        Ground(label=N_("Authorization"), name="", events=[login.granted, *exchanged]),
    ]


SCREENS = (Screen(path="/tokens/{jti}", get=show, needs=AUDIT_READ),)
