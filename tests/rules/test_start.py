"""What the command line loads before it knows what to do: each command pays for itself alone."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from service.cli import _workers, opening, serve

HEAVY = (
    "alembic", "argon2", "authlib", "babel", "bcrypt", "cryptography", "httpx", "jinja2", "joserfc", "psutil", "pydantic", "rich",
    "sqlalchemy", "starlette", "uvicorn", "webauthn",
)  # fmt: skip
DATABASE = ("asyncpg", "importlib.metadata", "msgspec", "service.configuration.settings")
GROUPS = (
    "apis",
    "bots",
    "client_keys",
    "client_secrets",
    "clients",
    "database",
    "doctor",
    "initial_tokens",
    "keys",
    "log",
    "operators",
    "policy",
    "projections",
    "revocation",
    "serve",
    "status",
    "tokens",
    "trusted_issuers",
    "users",
    "witness",
)


def loaded(modules: tuple[str, ...], asked: tuple[str, ...]) -> set[str]:
    """Those of `asked` that a new process has after it imported the modules."""
    program = f"import sys, {', '.join(modules)}; print(*{{*{asked!r}}} & sys.modules.keys())"
    return set(
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout.split()
    )


def test_the_command_line_knows_its_commands_without_loading_them():
    assert (
        loaded(("service.cli.command_line",), HEAVY + DATABASE + tuple(f"service.cli.{each}" for each in GROUPS))
        == set()
    )


def test_no_group_of_commands_loads_what_only_some_of_its_commands_need():
    assert loaded(tuple(f"service.cli.{each}" for each in GROUPS), HEAVY) == set()


def test_what_makes_the_page_of_the_metrics_is_loaded_only_where_they_are_shown():
    shown = ("prometheus_client", "service.exporter.running")
    assert loaded(("service.app", "service.cli.serve", "service.cli.server"), shown) == set()


def test_what_is_loaded_while_postgres_starts_is_there():
    modules = (*serve.SEVERAL, *serve.ONE, *opening.MIGRATIONS)
    assert [module for module in modules if find_spec(module) is None] == []


def test_a_service_starts_without_what_only_the_command_line_or_few_requests_need():
    left_out = (
        "typer", "pydantic", "rich", "service.cli.command_line", "service.console.site", "segno", "webauthn", "httpx", "alembic",
        "sqlalchemy", "opentelemetry",
    )  # fmt: skip
    assert loaded(("service.cli", "service.cli.serve", *serve.ONE, "service.embedded.cluster"), left_out) == set()


def test_a_process_without_stdout_and_stderr_can_still_write_to_them():
    told = (
        "import sys; from service.cli import _open_closed; _open_closed(); sys.stdout.write('a'); sys.stderr.write('b')"
    )
    closed = ["sh", "-c", 'exec "$0" -c "$1" >&- 2>&-', sys.executable, told]
    assert subprocess.run(closed, check=False).returncode == 0


def test_the_usual_ways_to_start_the_service_need_no_typer():
    usual = ["serve", "serve --workers 1", "serve --workers 64"]
    assert [_workers(words.split()) for words in usual] == [1, 1, 64]


@pytest.mark.parametrize("number", ["0", "65", "-1", "02", "2.0", "²", "two", ""])
def test_a_number_of_processes_that_cannot_be_is_left_to_typer(number: str):
    assert _workers(["serve", "--workers", number]) is None


@pytest.mark.parametrize("words", ["", "serve --workers", "serve --workers=2", "serve --help", "witness serve"])
def test_other_words_are_left_to_typer(words: str):
    assert _workers(words.split()) is None
