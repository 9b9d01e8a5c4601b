"""What the first start says to a person, and what it keeps from a log."""

import sys
from pathlib import Path

import pytest

from service.cli.first_steps import welcome
from service.crypto.credentials import Secret
from service.operators import Operator

OPERATOR = Operator(client_id="oauth_client_1", secret=Secret("secret_1"), issuer="https://id.example.com")


@pytest.mark.parametrize("terminal", [True, False])
def test_the_first_secret_is_shown_to_a_terminal_alone_and_its_file_is_always_named(
    terminal: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    said = welcome(OPERATOR, Path("/data/operator.json"))
    assert ("secret_1" in said) == terminal
    assert "/data/operator.json" in said
    assert (
        said.index("users create you@example.com --operator")
        < said.index("https://id.example.com/console")
        < said.index("operator.json")
    )
