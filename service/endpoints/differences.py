"""What each event changed: the fields of what it is about before and after it, by the names that the API gives them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, to_builtins

from events.codec import Recorded
from events.ids import client_id_of
from projections import apis, bots, clients, device_authorizations, initial_access_tokens, trusted_issuers, users
from projections.table import Table
from service.endpoints import client_settings
from service.endpoints.apis import shown as shown_api
from service.endpoints.bots import shown_bot
from service.endpoints.device_authorizations import shown as shown_device
from service.endpoints.initial_access_tokens import shown as shown_initial_token
from service.endpoints.secrets import shown_secret
from service.endpoints.trusted_issuers import shown as shown_issuer
from service.endpoints.users import shown_group_roles, shown_row
from service.values.profile import Profile

Represented = Mapping[str, Any]


class Difference(Struct, frozen=True, omit_defaults=True):
    """`before` is absent if there was no such field before the event, and `after` if there is none after it."""

    before: Any | UnsetType = UNSET
    after: Any | UnsetType = UNSET


class Version(Struct, frozen=True):
    """An event, and the row of its stream before and after it."""

    past: Recorded
    before: Struct | None
    after: Struct | None


def versions(table: Table, events: Iterable[Recorded]) -> list[Version]:
    """Return a version for each of these events, which are all events of one stream up to now."""
    found: list[Version] = []
    row: Struct | None = None
    for past in events:
        after = table.project(row, past.stream_id, past.event)
        found.append(Version(past, row, after))
        row = after
    return found


def difference(before: Represented | None, after: Represented | None) -> dict[str, Difference]:
    """Return the fields in which they differ."""
    was, now = before or {}, after or {}
    names = [name for name in {**was, **now} if name not in was or name not in now or was[name] != now[name]]
    return {name: Difference(was.get(name, UNSET), now.get(name, UNSET)) for name in names}


def changed(version: Version, represent: Callable[[Any], Represented | None]) -> dict[str, Difference]:
    before, after = (None if row is None else represent(row) for row in (version.before, version.after))
    return difference(before, after)


def of_client(row: clients.Row) -> Represented:
    """Return the client as the API shows it, with its secrets as the API lists them. Nothing says when they were used."""
    shown = to_builtins(client_settings.shown(row, None))
    secrets = [to_builtins(shown_secret(secret, None)) for secret in row.secrets]
    return _without_use({**shown, "secrets": [_without_use(secret) for secret in secrets]})


def of_bot(row: bots.Row) -> Represented:
    return to_builtins(shown_bot(row))


def of_api(row: apis.Row) -> Represented | None:
    """Return the API as the API shows it; None if it is deleted."""
    return None if row.state == "deleted" else to_builtins(shown_api(row))


def of_trusted_issuer(row: trusted_issuers.Row) -> Represented:
    return to_builtins(shown_issuer(row))


def of_initial_access_token(row: initial_access_tokens.Row) -> Represented:
    """Return the token as the API shows it. A history of the log has no hash of it."""
    return _without_use(to_builtins(shown_initial_token(row)))


def of_device_authorization(row: device_authorizations.Row, client_id: str) -> Represented:
    """Return it as the API shows it. That it expired is no event, so nothing in a history says so."""
    return to_builtins(shown_device(row, client_id, row.requested_at))


def of_user(row: users.Row, profile: Profile | None) -> Represented:
    """Return the user as the API shows them, and their second factors. After an erasure, nothing says who the user was."""
    factors = [{"id": str(f.factor_id), "kind": f.kind, "createdUtc": to_builtins(f.created_at)} for f in row.factors]
    more = {"passwordChangedUtc": to_builtins(row.password_at), "factors": factors}
    if profile is None:
        by_group = to_builtins(shown_group_roles(row.roles, row.group_roles))
        roles = {"roles": list(row.all_roles), "groupRoles": by_group}
        return {"emailVerified": row.verified, **roles, "state": row.state, **more}
    return {**to_builtins(shown_row(row, profile)), **more}


def _without_use(shown: Represented) -> Represented:
    return {name: value for name, value in shown.items() if name != "lastUsedUtc"}


def changes_of(table: Table, events: Iterable[Recorded]) -> list[dict[str, Difference]]:
    """Return what each event changed of its stream's row: nothing, if it is of no stream of this table. Of each stream, all events are there."""
    found: list[dict[str, Difference]] = []
    rows: dict[UUID, Struct | None] = {}
    for past in events:
        before = rows.get(past.stream_id)
        after = table.project(before, past.stream_id, past.event) if past.type in table.tags else None
        rows[past.stream_id] = after
        found.append(changed(Version(past, before, after), REPRESENTED[table.name]))
    return found


REPRESENTED: Mapping[str, Callable[[Any], Represented | None]] = {
    clients.TABLE.name: of_client,
    bots.TABLE.name: of_bot,
    apis.TABLE.name: of_api,
    trusted_issuers.TABLE.name: of_trusted_issuer,
    initial_access_tokens.TABLE.name: of_initial_access_token,
    device_authorizations.TABLE.name: lambda row: of_device_authorization(row, client_id_of(row.client)),
}
"""How the API shows a row of each table that it shows to everybody in the same way."""
