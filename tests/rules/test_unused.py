"""What a client has and does not use, by a fold of the tokens that it got."""

import shlex
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from events.client_apis import GrantedApi
from events.client_security import Security, WorkloadIdentity
from events.issuance import TokenIssued
from projections import last_used, usage_daily
from projections.catch_up import Issuance
from projections.clients import Row
from projections.unused import Unused, Uses, Version, by_scope, returned, unused
from projections.usage_daily import ScopeUse
from service.cli.authentication_options import workloads_of
from service.endpoints.workload_fields import identities
from service.values.shrinking import commands
from tests.rules.samples import KEY_ADDED, SECRET_ADDED

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SINCE = NOW - timedelta(days=90)
CLIENT = UUID("0192f3a1-c5d8-7cc4-a1b2-c3d4e5f60718")
SCOPES = ("crm:read", "crm:write", "api:public", "introspect:all")
SECRETS = tuple(
    SECRET_ADDED.secret.__replace__(secret_id=UUID(int=number), created_at=NOW - timedelta(days=age))
    for number, age in ((1, 400), (2, 300), (3, 20))
)

ages = st.integers(min_value=0, max_value=300 * 86_400)
tokens = st.lists(
    st.tuples(ages, st.sampled_from(SECRETS), st.sets(st.sampled_from(SCOPES)), st.booleans()), max_size=12
)


def row(scopes: Iterable[str], *, age_days: int = 400, state: str = "active", client_id: str = "crm") -> Row:
    return Row(
        stream_id=CLIENT,
        client_id=client_id,
        owner="alice",
        grant_type="client_credentials",
        bot_user_id="bot",
        display_name=None,
        redirect_uris=(),
        scopes=tuple(scopes),
        secrets=SECRETS,
        state=state,
        created_at=NOW - timedelta(days=age_days),
        version=1,
        public=False,
        login=None,
    )


class Folded(Struct):
    """The rows of a projection, by their keys."""

    rows: dict[tuple[Any, ...], Any]

    @classmethod
    def of(cls, projection: Any, entries: Iterable[Issuance]) -> "Folded":
        rows: dict[tuple[Any, ...], Any] = {}
        find: Callable[..., Any] = lambda *key: rows.get(key)  # noqa: E731
        for entry in entries:
            rows |= {projection.key_of(made): made for made in projection.project(entry, find)}
        return cls(rows)


def uses_of(entries: list[Issuance], held: frozenset[str]) -> Uses:
    used = Folded.of(last_used.PROJECTION, entries).rows
    daily = Folded.of(usage_daily.PROJECTION, entries).rows.values()
    scopes, unknown = by_scope([ScopeUse(each.client, each.scope, each.last_at) for each in daily])
    client = [made.used_at for made in used.values() if made.kind == "client"]
    secrets = {UUID(made.id): made.used_at for made in used.values() if made.kind == "secret"}
    return Uses(client=client[0] if client else None, secrets=secrets, scopes=scopes, unknown=unknown, held=held)


@given(tokens, st.sets(st.sampled_from(SCOPES)), st.sets(st.sampled_from(SCOPES)))
def test_unused_is_what_no_token_used_since_then(issued: Any, scopes: set[str], held: set[str]):
    entries = [
        Issuance(
            position=number,
            issued_at=NOW - timedelta(seconds=age),
            client=CLIENT,
            secret=secret.secret_id,
            jti=UUID(int=number),
            token=TokenIssued(sub="bot", scope=" ".join(sorted(of)), kid="k", exp=1),
            has_scope=kept,
        )
        for number, (age, secret, of, kept) in enumerate(sorted(issued, key=lambda each: -each[0]), start=1)
    ]
    found = unused(row(sorted(scopes)), uses_of(entries, frozenset(held)), SINCE, NOW)
    late = [entry for entry in entries if entry.issued_at >= SINCE]
    used_scopes = {scope for entry in late for scope in (entry.token.scope.split() if entry.has_scope else SCOPES)}
    introspects = "introspect:all" in scopes
    if not late and not introspects:
        assert found is not None
        assert (found.whole, found.secrets, found.scopes) == (True, (), ())
        return
    secrets = set[UUID]() if introspects else {s.secret_id for s in SECRETS[:2]} - {entry.secret for entry in late}
    expected = (scopes & held) - used_scopes - {"introspect:all"}
    assert {each.secret_id for each, _ in found.secrets} == secrets if found else not secrets
    assert {scope for scope, _ in found.scopes} == expected if found else not expected


def test_a_client_that_is_younger_is_left_out_and_so_are_secrets_that_expired():
    nothing = Uses(client=None, held=frozenset(SCOPES))
    assert unused(row(SCOPES[:1], age_days=89), nothing, SINCE, NOW) is None
    used = Uses(client=NOW, scopes={"crm:read": NOW}, held=frozenset(SCOPES))
    expired = [s.__replace__(expires_at=NOW - timedelta(days=1)) for s in SECRETS]
    assert unused(row(SCOPES[:1]).__replace__(secrets=expired), used, SINCE, NOW) is None


def test_a_key_of_a_machine_that_no_token_used_is_unused_as_a_secret_is():
    old, new = (
        KEY_ADDED.key.__replace__(key_id=UUID(int=number), created_at=NOW - timedelta(days=300)) for number in (91, 92)
    )
    client = row(SCOPES[:1]).__replace__(secrets=(), keys=(old, new))
    used = Uses(client=NOW, secrets={new.key_id: NOW}, held=frozenset())
    found = unused(client, used, SINCE, NOW)
    assert found is not None
    assert found.keys == ((old, None),)
    assert commands(found) == [f"muniment client-keys revoke {client.client_id} {old.key_id}"]
    assert unused(client.__replace__(grant_type="authorization_code"), used, SINCE, NOW) is None


def test_a_workload_identity_that_it_had_all_the_time_and_no_token_used_is_unused():
    used, idle, new = (WorkloadIdentity(issuer="https://ci.example", subject=name) for name in ("a", "b:*", "c"))
    client = row([]).__replace__(secrets=(), security=Security(workload_identities=(used, idle, new)))
    uses = Uses(client=NOW, secrets={used.id_for(CLIENT): NOW}, held=frozenset(), workloads=frozenset({used, idle}))
    found = unused(client, uses, SINCE, NOW)
    assert found is not None
    assert found.workloads == ((idle, None),)
    options = ["--workload", "https://ci.example a", "--workload", "https://ci.example c"]
    assert [shlex.split(each) for each in commands(found)] == [["muniment", "clients", "edit", "crm", *options]]
    every = found.__replace__(workloads=tuple((each, None) for each in (used, idle, new)))
    assert shlex.split(commands(every)[0])[-2:] == ["--workload", ""]


@pytest.mark.parametrize(
    "stays",
    [
        WorkloadIdentity(issuer="https://ci.example", subject="a:*", single_use=True),
        WorkloadIdentity(issuer="https://ci.example", subject="a", audience="https://auth.example.com"),
        WorkloadIdentity(issuer="https://ci.example", subject="a", audience="muniment", single_use=True),
        WorkloadIdentity(issuer="https://ci.example", subject="repo:a/b:environment:East 1", audience="it's; x"),
        WorkloadIdentity(issuer="https://ci.example", subject='say "a"\\'),
    ],
)
def test_the_command_that_removes_a_workload_keeps_all_that_is_said_of_the_others(stays: WorkloadIdentity):
    gone = WorkloadIdentity(issuer="https://ci.example", subject="gone")
    client = row([]).__replace__(security=Security(workload_identities=(stays, gone)))
    left_over = Unused(
        client=client, whole=False, last_used=NOW, secrets=(), keys=(), workloads=((gone, None),), scopes=()
    )
    (command,) = commands(left_over)
    option, value = shlex.split(command)[-2:]
    assert (option, identities(workloads_of([value]))) == ("--workload", (stays,))


def test_a_client_for_which_there_are_tokens_keeps_its_secrets_with_which_it_introspects_them():
    nothing = Uses(client=None, held=frozenset(SCOPES), is_audience=True)
    found = unused(row(["crm:read"]), nothing, SINCE, NOW)
    assert found is not None
    assert (found.whole, found.secrets, found.scopes) == (False, (), (("crm:read", None),))


def test_a_client_that_was_restored_or_enabled_since_then_is_left_out():
    def at(days: int, state: str = "active", restored: int = 0) -> Version:
        return Version(frozenset(), NOW - timedelta(days=days), state, restored)

    lives = (
        [at(200, "disabled"), at(20)],
        [at(20, restored=1)],
        [at(20, "disabled", 1)],
        [at(200, restored=1), at(20, restored=2), at(10, restored=2)],
    )
    for versions in lives:
        uses = Uses(client=None, held=frozenset(), returned=returned(versions, SINCE))
        assert uses.returned == NOW - timedelta(days=20)
        assert unused(row(SCOPES[:1]), uses, SINCE, NOW) is None
    for versions in ([], [at(200)], [at(200), at(20), at(10, "disabled")], [at(100, restored=1), at(20, restored=1)]):
        assert returned(versions, SINCE) is None


def test_the_commands_that_remove_it_are_words_of_a_shell():
    client = row(["crm:read"], client_id="x;reboot")
    some = Unused(
        client=client, last_used=NOW, whole=False, secrets=((SECRETS[0], None),), scopes=(("a$(b)", None), ("c", None))
    )
    assert [shlex.split(command) for command in commands(some)] == [
        ["muniment", "secrets", "revoke", "x;reboot", str(SECRETS[0].secret_id)],
        ["muniment", "clients", "edit", "x;reboot", "--remove-scope", "a$(b)", "--remove-scope", "c"],
    ]
    whole = Unused(client=client, last_used=None, whole=True)
    assert commands(whole) == ["muniment clients disable 'x;reboot'"]
    disabled = whole.__replace__(client=client.__replace__(state="disabled"))
    assert commands(disabled) == ["muniment clients delete 'x;reboot'"]


def test_a_scope_that_is_used_at_a_granted_api_is_not_the_flat_one_of_the_same_name():
    crm = (GrantedApi(identifier="https://crm.example.com", scopes=("crm:read",)),)
    client, at = CLIENT, NOW
    at_the_api = ScopeUse(client, "crm:read crm:write", at, "https://crm.example.com")
    assert by_scope([at_the_api], crm) == ({"crm:write": at}, None)
    assert by_scope([ScopeUse(client, "crm:read", at)], crm) == ({"crm:read": at}, None)
    assert by_scope([at_the_api], ()) == ({"crm:read": at, "crm:write": at}, None)
