"""What muniment log export writes: proved alone by muniment-verify, as tables, for a SIEM, and never with a person's name."""

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pyarrow import parquet

from events.muniment_verify import main as verify
from tests.flows.conftest import Live
from tests.flows.people import logged_in, registered, tokens_for
from tests.flows.test_cli import on
from tests.flows.test_event_stream import Stream, opened
from tests.flows.test_transparency import covered, grown
from tests.tables.test_audit_push import Endpoint, listening, pushing

LOGS = pytest.mark.parametrize("of", [[], ["--issuance"]], ids=["events", "tokens"])


async def exported(live: Live, place: Path, *words: str) -> Path:
    """The file that the command writes."""
    file = place / f"export-{len(list(place.iterdir()))}"
    ended = await on(live.database, "log", "export", "-o", str(file), *words)
    assert (ended.status, ended.out) == (0, ""), ended.err
    return file


@pytest.fixture
async def key(live: Live, tmp_path: Path) -> str:
    (tmp_path / "key").write_text((await live.http.get("/log/key")).text)
    return str(tmp_path / "key")


@LOGS
async def test_an_export_reaches_from_a_checkpoint_to_a_checkpoint_and_is_proved_alone(live, tmp_path, key, of, capfd):
    prefix = "/log/issuance" if of else "/log"
    first = await covered(live, prefix, await grown(live, prefix))
    middle = await grown(live, prefix)
    last = await covered(live, prefix, middle)
    part = await exported(live, tmp_path, "--since", str(middle), "--until", str(middle), *of)
    start, *_, checkpoint, end = map(json.loads, part.read_text().splitlines())
    assert first.size <= start["position"] < middle <= end["position"] <= last.size
    assert (start["origin"], checkpoint["line"]) == (first.origin, "checkpoint")
    assert verify(["--key", key, str(part)]) == 0
    assert verify(["--key", key, str(await exported(live, tmp_path, "--until", str(middle), *of))]) == 0
    changed = part.read_text().replace('"data":"{', '"data":" {', 1)
    part.write_text(changed)
    assert verify(["--key", key, str(part)]) == 1
    assert f"position {start['position'] + 1}" in capfd.readouterr().out


@LOGS
async def test_a_table_has_the_same_rows_in_csv_and_in_parquet(live, tmp_path, of):
    end = str(await grown(live, "/log/issuance" if of else "/log"))
    tables = [await exported(live, tmp_path, "--format", form, "--until", end, *of) for form in ("csv", "parquet")]
    rows = list(csv.DictReader(io.StringIO(tables[0].read_text())))
    table: Any = parquet.read_table(tables[1])
    assert (
        [int(row["position"]) for row in rows] == table.column("position").to_pylist() == list(range(1, int(end) + 1))
    )
    name = "client_id" if of else "subject"
    assert [row[name] for row in rows] == table.column(name).to_pylist()
    assert str(table.schema.field("issued_at" if of else "recorded_at").type) == "timestamp[us, tz=UTC]"


@LOGS
async def test_a_siem_gets_an_object_of_ocsf_a_line(live, tmp_path, of):
    end = await grown(live, "/log/issuance" if of else "/log")
    file = await exported(live, tmp_path, "--schema", "ocsf", "--since", str(end), "--until", str(end), *of)
    (told,) = map(json.loads, file.read_text().splitlines())
    assert told["metadata"]["sequence"] == end
    assert told["class_name"] == ("Authentication" if of else "Entity Management")


async def test_an_erased_person_is_named_in_no_format(live: Live, tmp_path):
    user, email = await registered(live, nickname="Countess-of-Lovelace")
    async with logged_in(live, user) as person:
        await tokens_for(live, person, await live.interactive())
    auditor = await live.caller("ines", "audit:read")
    async with opened(live, auditor, user=str(user)) as stream:
        reason = "Countess-of-Lovelace asked for it"
        erased = await on(live.database, "users", "erase", email, "--yes", "--reason", reason)
        assert erased.status == 0
        said = {"the live stream": await streamed(stream, "user.erased", user)}
    async with opened(live, auditor, since="position:1") as stream:
        said["the stream from the beginning"] = await streamed(stream, "user.erased", user)
    registration = json.loads(said["the stream from the beginning"])[0]["position"] + 1
    async with opened(live, {**auditor, "Last-Event-ID": str(registration)}) as stream:
        said["the resumed stream"] = await streamed(stream, "user.erased", user)
    said["the webhook"] = await pushed(live.database)
    forms: list[list[str]] = [
        [],
        ["--type", "user"],
        ["--schema", "ocsf"],
        ["--format", "csv"],
        ["--format", "parquet"],
    ]
    forms += [["--issuance", *words] for words in ([], ["--schema", "ocsf"], ["--format", "csv"])]
    for words in forms:
        content = (await exported(live, tmp_path, *words)).read_bytes()
        if "parquet" in words:
            content = json.dumps(parquet.read_table(io.BytesIO(content)).to_pylist(), default=str).encode()
        said[f"log export {' '.join(words)}"] = content
    for where, content in said.items():
        assert str(user).encode() in content, where
        assert email.encode() not in content, where
        assert b"Countess" not in content, where
        assert b"Lovelace" not in content, where


async def streamed(stream: Stream, last: str, user: UUID) -> bytes:
    """The events that the stream sends, up to the one of this type about this user: other tests erase others before."""
    sent: list[Any] = []
    while not sent or (sent[-1]["type"], sent[-1]["streamId"]) != (last, str(user)):
        sent.append((await stream.event())["data"])
    return json.dumps(sent).encode()


async def pushed(database: str) -> bytes:
    endpoint = Endpoint()
    async with listening(endpoint) as uri, pushing(database, uri) as pusher:
        await pusher.look()
    return b"".join(endpoint.bodies)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--issuance", "--type", "client"], "the issuance log has tokens alone"),
        (["--format", "parquet"], "name a file with -o FILE"),
        (["--format", "parquet", "-o", "-"], "name a file with -o FILE"),
        (["--csv", "--json"], "contradict each other"),
        (["--format", "csv", "--schema", "ocsf"], "is written as JSON lines"),
        (["--issuance", "--since", "900000000"], "there is no 900000000"),
    ],
)
async def test_options_that_contradict_each_other_are_refused(live: Live, words, says):
    ended = await on(live.database, "log", "export", *words)
    assert (ended.status, ended.out) == (1, "")
    assert says in ended.err


async def test_without_pyarrow_a_parquet_file_is_refused_before_it_is_made(live: Live, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    ended = await on(live.database, "log", "export", "--format", "parquet", "-o", str(tmp_path / "none"))
    assert (ended.status, "pip install pyarrow" in ended.err) == (1, True)
    assert not (tmp_path / "none").exists()
