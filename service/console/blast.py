"""What follows from a compromise and its stop, for the pages that show it: one of a client, and one of anything."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from service.blast_radius.consequences import of_agent
from service.blast_radius.graph import Node
from service.blast_radius.report import Affected, BlastRadius, Named
from service.console.api import CLIENTS, Refused
from service.console.happenings import said
from service.console.language import N_
from service.console.names import Names, Ref, holder
from service.console.places import page_about
from service.console.screen import ConsoleVisit
from service.endpoints import blast_radius, revocations
from service.endpoints.secret_schemas import ClientSecret
from service.revocation.receipt import RevocationReceipt
from service.values.scopes import OPERATE

KINDS: Mapping[str, str] = {
    "token": N_("Tokens"),
    "client": N_("Clients"),
    "secret": N_("Secrets"),
    "bot": N_("Bots"),
    "user": N_("Users"),
    "session": N_("Sessions"),
    "authorization": N_("Authorizations"),
    "issuer": N_("Trusted issuers"),
    "agent": N_("Clients and whom they acted for"),
    "signingKey": N_("Signing keys"),
    "change": N_("Changes"),
}
ONE: Mapping[str, str] = {
    "token": N_("Token"),
    "client": N_("Client"),
    "secret": N_("Secret"),
    "bot": N_("Bot"),
    "user": N_("User"),
    "session": N_("Session"),
    "authorization": N_("Authorization"),
    "issuer": N_("Trusted issuer"),
    "agent": N_("Client and whom it acted for"),
    "signingKey": N_("Signing key"),
    "change": N_("Change"),
    "actor": N_("Actor"),
}
PAGE_SIZE = "50"
ASKED = ("id", "since", "kind")


class Thing(Struct, frozen=True, kw_only=True):
    """Something in the report. `name` is "" for what has none, or stays an id; `url` is "" if there is no page about it."""

    kind: str
    id: str
    name: str
    url: str


class Row(Struct, frozen=True, kw_only=True):
    """`what` says what happened, of a change."""

    thing: Thing
    what: str
    at: datetime
    via: Thing


class Count(Struct, frozen=True, kw_only=True):
    """How much of a kind follows; of what a revocation stops, how much it stops and how much needs nothing."""

    kind: str
    label: str
    follows: int
    stops: int
    unchanged: int


class Radius(Struct, frozen=True, kw_only=True):
    """`preview` is what a revocation would do now, if the reader may order one."""

    origin: Thing
    since: datetime
    complete: bool
    total: int
    rows: Sequence[Row]
    counts: Sequence[Count]
    following: str
    preview: RevocationReceipt | None


async def found(visit: ConsoleVisit, asked: Mapping[str, str], given: Mapping[Ref, str]) -> Radius:
    """`given` are names that the page knows already. Raises Refused."""
    answer = await visit.api.get(blast_radius.PATH, limit=PAGE_SIZE, cursor=visit.query.get("cursor"), **asked)
    report, preview = answer.of(BlastRadius), None
    if visit.may(OPERATE):
        preview = await _ordered(visit, asked, dry_run=True)
    names = await _names(visit, report, given)
    return Radius(
        origin=_thing(visit, report.origin, names),
        since=report.since,
        complete=report.complete,
        total=sum(report.counts.values()),
        rows=[_row(visit, each, names) for each in report.affected],
        counts=counts(visit, report.counts, preview),
        following="" if answer.following is None else visit.here_with(**asked, cursor=answer.following["cursor"]),
        preview=preview,
    )


async def stopped(visit: ConsoleVisit, asked: Mapping[str, str]) -> RevocationReceipt:
    """Revoke everything that follows. Raises Refused."""
    return await _ordered(visit, asked, dry_run=False)


def counts(visit: ConsoleVisit, follows: Mapping[str, int], receipt: RevocationReceipt | None) -> list[Count]:
    """Return the counts in the order of KINDS, of the kinds of which there are any."""
    stops, unchanged = ({}, {}) if receipt is None else (receipt.revoked, receipt.unchanged)
    return [
        Count(
            kind=kind,
            label=visit.gettext(label),
            follows=follows.get(kind, 0),
            stops=stops.get(kind, 0),
            unchanged=unchanged.get(kind, 0),
        )
        for kind, label in KINDS.items()
        if kind in follows or kind in stops or kind in unchanged
    ]


async def _ordered(visit: ConsoleVisit, asked: Mapping[str, str], *, dry_run: bool) -> RevocationReceipt:
    body = {"id": asked.get("id", ""), "since": asked.get("since"), "dryRun": dry_run}
    reason = None if dry_run else visit.reason
    return (await visit.api.send("POST", revocations.PATH, body, reason=reason)).of(RevocationReceipt)


async def _names(visit: ConsoleVisit, report: BlastRadius, given: Mapping[Ref, str]) -> Names:
    names = Names(visit, given)
    await names.learn((each.kind, each.id) for each in (report.origin, *report.affected, *_causes(report)))
    await _name_agents(names, [each.id for each in (report.origin, *report.affected) if each.kind == "agent"])
    unnamed = [each for each in report.affected if each.kind == "secret" and not names.known(("secret", each.id))]
    clients = [each.via.id for each in unnamed if each.via.kind == "client"]
    for client in dict.fromkeys(clients):
        names.give(await secret_names(visit, client))
    return names


async def _name_agents(names: Names, agents: Sequence[str]) -> None:
    """Name each as its client and the `sub` that it acted for."""
    pairs = {
        id_: (("client", client_id), holder(sub)) for id_ in agents for client_id, sub in [of_agent(Node("agent", id_))]
    }
    await names.learn(ref for pair in pairs.values() for ref in pair)
    names.give({("agent", id_): f"{names.of(client)} → {names.of(sub)}" for id_, (client, sub) in pairs.items()})


def _causes(report: BlastRadius) -> list[Named]:
    return [each.via for each in report.affected]


async def secret_names(visit: ConsoleVisit, client: str) -> Mapping[Ref, str]:
    """Return the names of the client's secrets; none of a deleted client's."""
    try:
        found = (await visit.api.get(f"{CLIENTS}/{client}/secrets")).of(list[ClientSecret])
    except Refused:
        return {}
    return {("secret", str(each.secret_id)): f"{each.name} {each.hint}" for each in found}


def _row(visit: ConsoleVisit, each: Affected, names: Names) -> Row:
    what = "" if each.type is None else visit.gettext(said(each.type))
    return Row(
        thing=_named(visit, each.kind, each.id, names), what=what, at=each.at, via=_thing(visit, each.via, names)
    )


def _thing(visit: ConsoleVisit, named: Named, names: Names) -> Thing:
    return _named(visit, named.kind, named.id, names)


def _named(visit: ConsoleVisit, kind: str, id_: str, names: Names) -> Thing:
    label, name = visit.gettext(ONE.get(kind, kind)), names.known((kind, id_))
    return Thing(kind=label, id=id_, name=name, url=page_about(visit, kind, id_))
