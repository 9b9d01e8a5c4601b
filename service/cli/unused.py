"""muniment clients unused: what clients have and do not use, with the commands that remove it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import typer

from events.database import Connection
from projections import unused
from projections.as_of import Behind
from projections.unused import Unused
from service.cli.opening import Plainly, ask_at, open_database, url_of
from service.cli.output import Json, document, moment, note, say, table
from service.values.shrinking import commands
from service.values.workload_option import option_of

CLIENTS_A_PAGE = 500

Days = Annotated[int, typer.Option(min=1, max=3650, help="Unused for at least so many days.")]


def list_unused(*, days: Days = 90, as_json: Json = False) -> None:
    """List clients that got no token for so many days, and secrets, keys, workloads and scopes that none of their tokens used, with what removes them.

    What is younger, or was restored or enabled since, is left out, and so are the secrets of clients that may introspect tokens. Nothing is changed: run the commands that you agree with.

    Example: `muniment clients unused --days 90`
    """
    with open_database() as settings:
        found = ask_at(url_of(settings), lambda connection: _all(connection, days, settings.audience))
    if as_json:
        document([_document(each) for each in found])
        return
    table(("client_id", "name", "owner", "unused", "last used"), (row for each in found for row in _rows(each)))
    if found:
        say("")
        for each in found:
            for command in commands(each):
                say(command)
    note(f"{len(found)} clients have what no token used for {days} days")


async def _all(connection: Connection, days: int, audience: str) -> list[Unused]:
    try:
        await unused.check(connection)
    except Behind as behind:
        raise Plainly(f"{behind} Until it is up to date, what is in use could be called unused.") from behind
    now = datetime.now(UTC)
    found: list[Unused] = []
    after: UUID | None = None
    while True:
        page = await unused.examine(
            connection, since=now - timedelta(days=days), now=now, after=after, most=CLIENTS_A_PAGE, audience=audience
        )
        found += page.found
        if page.after is None:
            return found
        after = page.after


def _rows(found: Unused) -> Sequence[Sequence[str]]:
    client = (found.client.client_id, found.client.display_name or "", found.client.owner)
    if found.whole:
        return [(*client, "the client", moment(found.last_used) or "never")]
    return [
        *((*client, f"secret {each.name} …{each.hint}", moment(used) or "never") for each, used in found.secrets),
        *((*client, f"key {each.name}", moment(used) or "never") for each, used in found.keys),
        *((*client, f"workload {option_of(each)}", moment(used) or "never") for each, used in found.workloads),
        *((*client, f"scope {scope}", moment(used) or "never") for scope, used in found.scopes),
    ]


def _document(found: Unused) -> dict[str, Any]:
    return {
        "client_id": found.client.client_id,
        "display_name": found.client.display_name,
        "owner": found.client.owner,
        "state": found.client.state,
        "last_used_at": found.last_used,
        "unused": found.whole,
        "secrets": [
            {"secret_id": each.secret_id, "name": each.name, "hint": each.hint, "last_used_at": used}
            for each, used in found.secrets
        ],
        "keys": [{"key_id": each.key_id, "name": each.name, "last_used_at": used} for each, used in found.keys],
        "workload_identities": [
            {
                "identity_id": each.id_for(found.client.stream_id),
                "issuer": each.issuer,
                "subject": each.subject,
                "last_used_at": used,
            }
            for each, used in found.workloads
        ],
        "scopes": [{"scope": scope, "last_used_at": used} for scope, used in found.scopes],
        "commands": commands(found),
    }
