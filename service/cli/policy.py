"""muniment policy: what a stricter rule would have refused."""

from datetime import UTC, datetime, time
from typing import Annotated

import typer

from events.database import connected
from projections import clients
from service.cli.client_options import scopes_of
from service.cli.opening import Plainly, opened_at, run
from service.cli.output import Json, document, moment, say, table
from service.cli.progress import Progress, bar
from service.cli.selection import read_place
from service.rehearsal import replay, report
from service.rehearsal.policy import Policy
from service.rehearsal.report import Report
from service.values.scopes import is_scope

app = typer.Typer()

RequirePkce = Annotated[
    bool,
    typer.Option("--require-pkce", help="Refuse authorization requests without PKCE, and settings that allow them."),
]
MaxTokenLifetime = Annotated[
    int | None,
    typer.Option(min=1, metavar="SECONDS", help="Refuse tokens that live longer than this.", show_default=False),
]
DenyScope = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SCOPE",
        help="Refuse tokens, codes, registrations and changes with this scope; may be a list or be repeated.",
        show_default=False,
    ),
]
MaxSecretAge = Annotated[
    int | None,
    typer.Option(min=0, metavar="DAYS", help="Refuse secrets that are older than this.", show_default=False),
]
Since = Annotated[
    str, typer.Option(metavar="WHEN", help="Replay from this time on; 12h or 30d is so many hours or days ago.")
]
Until = Annotated[
    str | None, typer.Option(metavar="WHEN", help="Replay up to this time; without it, up to now.", show_default=False)
]


@app.callback()
def _policy() -> None:
    """(With a callback, a group of one command stays a group.)"""


@app.command()
def rehearse(
    *,
    require_pkce: RequirePkce = False,
    max_token_lifetime: MaxTokenLifetime = None,
    deny_scope: DenyScope = None,
    max_secret_age: MaxSecretAge = None,
    since: Since = "30d",
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Say which recorded requests a stricter policy would have refused: whose, how often, and when last. Nothing is changed.

    Replays the issued tokens, the codes, the registrations and the changes of clients. A request that was refused at the time is not
    recorded as one of these, so it does not count. Of tokens, the position is one of the issuance log.

    Example: `muniment policy rehearse --require-pkce --max-token-lifetime 900 --deny-scope crm:write --since 30d`
    """
    policy = _policy_of(require_pkce, max_token_lifetime, deny_scope, max_secret_age)
    first, last = _time("--since", since, time.min), datetime.now(UTC)
    if until is not None:
        last = min(last, _time("--until", until, time.max))
    if first >= last:
        raise Plainly(f"--since {since} is not before the end of the time to replay.")
    with opened_at() as url, bar("replaying") as progress:
        found = run(_rehearsed(url, policy, first, last, progress))
    if as_json:
        document(found)
    else:
        _tell(found)


def _policy_of(
    require_pkce: bool, lifetime: int | None, deny: list[str] | None, age: int | None
) -> Policy:  # fmt: skip
    denied = scopes_of(deny or ())
    for scope in denied:
        if not is_scope(scope):
            raise Plainly(
                f"--deny-scope {scope!r} is not a scope: visible ASCII without quotation marks, backslashes and spaces."
            )
    policy = Policy(
        require_pkce=require_pkce, max_token_lifetime=lifetime, deny_scopes=frozenset(denied), max_secret_age=age
    )
    if policy.is_empty:
        raise Plainly("Name at least one rule: --require-pkce, --max-token-lifetime, --deny-scope or --max-secret-age.")
    return policy


def _time(option: str, text: str, of_a_day: time) -> datetime:
    place = read_place(option, text, of_a_day)
    if isinstance(place, int):
        raise Plainly(f"{option} takes a time, such as 2026-03-03 or 30d: the two logs have positions of their own.")
    return place


async def _rehearsed(url: str, policy: Policy, since: datetime, until: datetime, progress: Progress) -> Report:
    async with connected(url) as connection, replay.reading(connection):
        found = await replay.rehearse(connection, policy, await replay.span(connection, since, until), progress)
        streams = [refusal.client for refusal in found.refusals]
        return report.of(found, (await clients.find_as_of(connection, streams))[0])


def _tell(found: Report) -> None:
    say(
        f"Replayed {found.tokens:,} tokens and {found.others:,} authorization requests, registrations and changes,"
        f" from {moment(found.since)} to {moment(found.until)}."
    )
    if not found.refused:
        say("The policy would have refused none of them.")
        return
    columns = ("rule", "request", "client", "name", "times", "first", "last", "position")
    table(
        columns,
        (
            (r.rule, r.request, r.client_id, r.display_name or "", f"{r.times:,}", moment(r.first), moment(r.last), str(r.last_position))
            for r in found.refused
        ),
    )  # fmt: skip
