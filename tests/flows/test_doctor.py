"""muniment doctor: each fault is caused for real, and the doctor says it in a sentence, with the command that mends it."""

import base64
import socket
from pathlib import Path
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import asyncpg
import pytest

from events.database import Connection, connect
from projections import bot_history, last_used
from projections.engine import checkpoints, follow
from service.cli import doctor
from service.cli.checks import clocks, disk, keys
from service.cli.checks.finding import Check, Finding, Installation
from service.cli.rewrapping import key_in
from service.configuration.settings import read_settings
from tests.conftest import fresh_database, named
from tests.flows.conftest import new_database
from tests.flows.test_cli import Ended, on, said
from tests.tables.test_cosigning import signer
from tests.tables.test_last_used import ISSUE

BOTH_LIMITS_OFF = {"MUNIMENT_RATE_LIMIT": "0", "MUNIMENT_FAILED_AUTH_LIMIT": "0"}
WEBHOOK_SECRET = f"whsec_{base64.b64encode(b's' * 32).decode()}"
REPLICA = "set session_replication_role = replica"  # or else the triggers of the logs refuse it


class Fault(NamedTuple):
    check: str
    level: str
    cause: str
    says: str
    mend: str


IN_THE_DATABASE = [
    Fault(
        "roles and grants",
        "error",
        "grant update on log.events to muniment_service",
        "has the right to update on log.events",
        'psql -c "revoke update on log.events from muniment_service"',
    ),
    Fault(
        "roles and grants",
        "error",
        "grant update (issued_at) on log.issuance to muniment_service",
        "has the right to update on log.issuance",
        'psql -c "revoke update on log.issuance from muniment_service"',
    ),
    Fault(
        "roles and grants",
        "error",
        "grant create on schema public to muniment_service",
        "has the right to create on schema public",
        'psql -c "revoke create on schema public from muniment_service"',
    ),
    Fault(
        "roles and grants",
        "error",
        "revoke temporary on database {name} from public, muniment_service",
        "lacks the right to temporary on database {name}",
        'psql -c "grant temporary on database {name} to muniment_service"',
    ),
    Fault(
        "roles and grants",
        "error",
        "alter table read.sessions owner to postgres; grant select on read.sessions to muniment_service",
        "The table read.sessions belongs to postgres",
        'psql -c "alter table read.sessions owner to muniment_service"',
    ),
    Fault(
        "roles and grants",
        "error",
        "alter table read.consents enable row level security",
        "a policy on read.consents, which Muniment did not make",
        "drop it as muniment_owner",
    ),
    Fault(
        "roles and grants",
        "error",
        "grant select on read.users to muniment_reader",
        "The role muniment_reader has the right to select on read.users",
        'psql -c "revoke select on read.users from muniment_reader"',
    ),
    Fault("roles and grants", "warning", "", "Every login of the server may connect", "deploy/roles.sql"),
    Fault("roles and grants", "warning", "", "a superuser, who can change the log", "deploy/roles.sql"),
    Fault("database server", "error", "", "fsync = off: after a crash", 'psql -c "alter system set fsync = on"'),
    Fault(
        "database server",
        "warning",
        "alter database {name} connection limit 9",
        "free connections, and a worker needs up to 10",
        "max_connections",
    ),
    Fault(
        "partitions",
        "warning",
        "insert into log.issuance values (1, '2099-01-01', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '')",
        "a day without a partition",
        "muniment serve",
    ),
    Fault(
        "clocks",
        "error",
        f"{REPLICA}; update log.batches set recorded_at = now() + interval '1 hour' where last_position = (select max(last_position) from log.batches)",
        "seconds ahead of the database's clock",
        "timedatectl",
    ),
    Fault(
        "signing keys",
        "warning",
        "update read.signing_keys set activated_at = activated_at - interval '300 days'",
        "have signed for up to 300 days",
        "muniment keys rotate",
    ),
    Fault(
        "signing keys",
        "error",
        "update read.signing_keys set state = 'retired' where alg = 'RS256' and state = 'active'",
        "no active signing key for RS256",
        "muniment serve",
    ),
    Fault(
        "projections",
        "error",
        "",
        "The projection last_used stopped at position 1 of the issuance log, 1 before its end: ",
        "muniment projections resume last_used",
    ),
    Fault(
        "projections",
        "warning",
        "",
        "The projection bot_history is … behind the end of the event log, where an entry has waited for 1,2",
        "muniment serve",
    ),
    Fault(
        "projections",
        "error",
        "",
        "The projection signing_keys is not what the log makes of it: ",
        "muniment projections rebuild signing_keys",
    ),
    Fault(
        "projections",
        "warning",
        "insert into read.verifications (name, verified_at, outcome, position, rows, digest, expected_digest, seconds) values ('bots', now() - interval '3 days', 'agrees', 9, 0, '', '', 1)",
        "although the service verifies it every 24 hours",
        "muniment projections verify bots",
    ),
    Fault("projections", "warning", "", "The projection client_history was never started", "muniment serve"),
    Fault(
        "checkpoints",
        "warning",
        f"{REPLICA}; update log.batches set recorded_at = now() - interval '20 minutes' where last_position = (select min(last_position) from log.batches where last_position > 0)",
        "No checkpoint covers the entries of the event log since ",
        "muniment serve",
    ),
    Fault(
        "checkpoints",
        "error",
        "insert into log.checkpoints values ('issuance', 1, now() - interval '20 minutes', sha256('root'), 'note')",
        "have no quorum of 2 of 2 witnesses; none has",
        "MUNIMENT_WITNESS_QUORUM",
    ),
    Fault("witnesses", "warning", "", "The witness witness.example/down does not answer at http://127.0.0.1:1", "curl"),
    Fault(
        "witnesses",
        "warning",
        "",
        "The witness witness.example/late answers, but has not cosigned",
        "muniment.witnesses",
    ),
    Fault(
        "other issuers",
        "error",
        "",
        "Other processes serve this database as https://other.example",
        "MUNIMENT_ISSUER=https://other.example",
    ),
    Fault("master key", "error", "", "The master key is not the one that wraps the keys", "MUNIMENT_MASTER_KEY="),
    Fault(
        "roles through groups",
        "warning",
        "insert into read.users (stream_id, state, verified, factors, created_at, version, group_roles)"
        " values ('0192f000-0000-7000-8000-000000000002', 'active', true, '[]', now(), 1, '{{operator,owner}}')",
        "1 user got the role operator through groups, but MUNIMENT_UPSTREAM_ROLES has no group that brings it now",
        "muniment users role take 0192f000-0000-7000-8000-000000000002 operator",
    ),
    Fault(
        "any resource",
        "warning",
        "insert into read.clients (stream_id, client_id, owner, grant_type, redirect_uris, scopes, secrets, state, created_at, version, public)"
        " values ('0192f000-0000-7000-8000-000000000003', 'of-before', 'ann', 'client_credentials', '{{}}', '{{}}', '[]', 'active', now(), 1, false)",
        "1 machine client may get tokens for any resource that is no registered API",
        "muniment clients edit of-before --api ''",
    ),
    Fault("audit webhook", "warning", "", "The audit webhook has not accepted … events since ", "muniment.push"),
    Fault("settings", "warning", "", "a caller of the management API has no limit", "unset MUNIMENT_RATE_LIMIT"),
    Fault("settings", "warning", "", "who guesses the secrets of clients", "unset MUNIMENT_FAILED_AUTH_LIMIT"),
]


def found(ended: Ended) -> list[tuple[str, Finding]]:
    assert ended.status == (0 if ended.json["ok"] else 1)
    return [(each["check"], Finding(**finding)) for each in ended.json["checks"] for finding in each["findings"]]


async def break_projections(url: str, superuser: Connection) -> None:
    """A row that the log does not have, an entry that last_used cannot take in, and a projection that is behind."""
    await superuser.execute("update read.signing_keys set version = 9 where state = 'published'")
    assert (await on(url, "projections", "verify", "signing_keys")).status == 1
    connection = await connect(url)
    await connection.execute(ISSUE, b"{}")
    for projection in (last_used.PROJECTION, bot_history.PROJECTION):
        await checkpoints.install(connection, projection)
    assert not await follow.step(connection, last_used.PROJECTION)
    await connection.close()


async def test_every_fault_is_said_in_a_sentence_with_the_command_that_mends_it(postgres: str):
    url = await new_database(postgres)
    name = urlsplit(url).path[1:]
    superuser = await asyncpg.connect(url, server_settings={"application_name": "muniment at https://other.example"})
    await break_projections(url, superuser)
    for cause in (fault.cause.format(name=name) for fault in IN_THE_DATABASE if fault.cause):
        await superuser.execute(f"{cause}; reset session_replication_role")
    with socket.create_server(("127.0.0.1", 0)) as late:
        down = f"{signer('down').verifier} http://127.0.0.1:1"
        up = f"{signer('late').verifier} http://127.0.0.1:{late.getsockname()[1]}"
        wrong = {**BOTH_LIMITS_OFF, "MUNIMENT_WITNESSES": f"{down},{up}", "MUNIMENT_WITNESS_QUORUM": "2"}
        wrong |= {
            "MUNIMENT_AUDIT_WEBHOOK_URL": "http://127.0.0.1:1/events",
            "MUNIMENT_AUDIT_WEBHOOK_SECRET": WEBHOOK_SECRET,
        }
        wrong["MUNIMENT_MASTER_KEY"] = base64.b64encode(b"another" * 4 + b"key!").decode()
        script = await on(url, "doctor", "--json", **wrong)
        told = await on(url, "doctor", **wrong)
    await superuser.close()
    findings = found(script)
    missing = [
        fault
        for fault in IN_THE_DATABASE
        if not any(
            (check, each.level) == (fault.check, fault.level)
            and all(part in each.says for part in fault.says.format(name=name).split("…"))
            and fault.mend.format(name=name) in each.mend + each.says
            for check, each in findings
        )
    ]
    assert missing == [], findings
    assert script.json["not_checked"] == []
    assert [each for each in findings if "could not be checked" in each[1].says] == []
    assert (told.status, told.err) == (1, "")
    assert "error: master key: The master key is not the one" in told.out
    assert told.out.splitlines()[-1] == (
        f"{_count(findings, 'error')}, {_count(findings, 'warning')}: {len(script.json['checks'])} checks"
    )


def _count(findings: list[tuple[str, Finding]], level: str) -> str:
    return f"{sum(each.level == level for _, each in findings)} {level}s"


async def test_a_login_that_can_do_more_than_the_service_should_is_named(postgres: str):
    url = await new_database(postgres)
    superuser = await asyncpg.connect(url)
    await superuser.execute(
        'create role "doctored-login" login createrole password $$pw$$ in role muniment_service, pg_monitor, pg_read_server_files'
    )
    try:
        login = url.replace(urlsplit(url).netloc, "doctored-login:pw@", 1)
        findings = [each for check, each in found(await on(login, "doctor", "--json")) if check == "roles and grants"]
        await superuser.execute('grant postgres to "doctored-login"')
        owning = await on(login, "doctor", "--json")
    finally:
        await superuser.execute('drop role "doctored-login"')
        await superuser.close()
    assert [(each.level, each.mend) for each in findings if each.level == "error"] == [
        ("error", r'psql -c "alter role \"doctored-login\" nocreaterole"'),
        ("error", r'psql -c "revoke pg_read_server_files from \"doctored-login\""'),
    ]
    assert any("who owns the log and can change it" in each.says for _, each in found(owning))


async def test_a_database_that_cannot_be_used_is_one_error_and_what_needs_it_is_not_checked(postgres: str, place: Path):
    admin = await asyncpg.connect(named(postgres, "postgres"))
    await admin.execute("create database doctor_bare")
    await admin.close()
    older, newer = await fresh_database(postgres), await fresh_database(postgres)
    for url, number in ((older, "0001"), (newer, "9999")):
        connection = await asyncpg.connect(url)
        await connection.execute(f"update public.alembic_version set version_num = '{number}'")
        await connection.close()
    faults = {
        "postgresql://u:pa55@127.0.0.1:1/m": (
            "database",
            "The database cannot be used",
            'psql "$MUNIMENT_DATABASE_URL"',
        ),
        named(postgres, "doctor_bare"): ("schema", "is at nothing, and this version", "muniment db migrate"),
        older: ("schema", "is at 0001, and this version", "muniment db migrate"),
    }
    for url, (check, says, mend) in faults.items():
        ended = await on(url, "doctor", "--json")
        ((at, finding),) = [each for each in found(ended) if each[0] != "settings"]
        assert (at, finding.level) == (check, "error")
        assert says in finding.says
        assert mend in finding.mend
        assert ended.json["not_checked"][-1] == doctor.CHECKS[-1].name
        assert "pa55" not in ended.out
    ahead = await on(newer, "doctor", "--json")
    assert ("schema", "warning") in [(check, each.level) for check, each in found(ahead)]
    assert ahead.json["not_checked"] == []
    nowhere = await said("doctor", MUNIMENT_DATA=str(place / "typo"))
    assert f"error: database: There is no Muniment in {place / 'typo'}" in nowhere.out
    assert not (place / "typo").exists()


async def test_a_setting_that_cannot_be_used_hides_nothing_else(postgres: str):
    superuser = await asyncpg.connect(url := await new_database(postgres))
    await superuser.execute("grant delete on log.events to muniment_service")
    await superuser.close()
    wrong = await on(url, "doctor", "--json", MUNIMENT_ISSUER="http://[", PORT="x", MUNIMENT_TRUSTED_PROXIES="proxy")
    findings = found(wrong)
    assert len([each for check, each in findings if check == "settings" and each.level == "error"]) == 3
    assert any("delete on log.events" in each.says for _, each in findings)
    assert wrong.json["not_checked"] == []
    unusable = await said("doctor", "--json", MUNIMENT_DATABASE_URL="mysql://u:pa55@here")
    assert [check for check, _ in found(unusable)] == ["settings", "database"]
    assert "pa55" not in unusable.out


async def test_a_check_that_fails_itself_is_a_finding_and_stops_no_other(
    postgres: str, monkeypatch: pytest.MonkeyPatch
):
    async def fails(_examined: Installation) -> list[Finding]:
        raise ValueError("a bug\nwith a second line")

    async def breaks_its_connection(installation: Installation) -> list[Finding]:
        return await installation.connection.fetchval("select pg_terminate_backend(pg_backend_pid())")

    checks = (Check("first", fails), Check("second", breaks_its_connection), *doctor.CHECKS[:1])
    monkeypatch.setattr(doctor, "CHECKS", checks)
    ended = await on(await new_database(postgres), "doctor", "--json")
    first, second, *_ = [each for check, each in found(ended) if check not in ("settings", "database", "schema")]
    assert first.says == "This could not be checked: a bug"
    assert second.says.startswith("This could not be checked: ")
    assert [each["check"] for each in ended.json["checks"]][-1] == "roles and grants"


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "does not exist"), (b"\xff", "does not hold a master key"), (b"short", "does not hold")],
)
async def test_a_master_key_that_is_missing_or_malformed_is_named(tmp_path: Path, content: bytes | None, says: str):
    place = tmp_path / "master.key"
    if content is not None:
        place.write_bytes(content)
    settings = read_settings({"MUNIMENT_DATA": str(tmp_path)}, needs_key=False).__replace__(master_key=key_in(place))
    (found,) = await keys.look_at_master_key(Installation(settings, cast("Connection", None)))
    assert found.says.startswith(f"{place} {says}")


def test_a_disk_is_little_and_then_full():
    gigabyte = 2**30
    levels = [
        [each.level for each in disk.findings("/data", free, 100 * gigabyte)]
        for free in (6 * gigabyte, 4 * gigabyte, 200 * 2**20)
    ]
    assert levels == [[], ["warning"], ["error"]]
    assert disk.findings("/data", 30 * gigabyte, 4000 * gigabyte) == []


@pytest.mark.parametrize(("apart", "says"), [(4, []), (-60, ["60 seconds behind"]), (3600, ["3,600 seconds ahead of"])])
def test_a_clock_that_is_apart_from_the_database_s_is_named(apart: float, says: list[str]):
    found = clocks.of_this_machine(1_000_000 + apart, 1_000_000)
    assert [any(each in finding.says for finding in found) for each in says] == [True for _ in says]
    assert len(found) == len(says)
