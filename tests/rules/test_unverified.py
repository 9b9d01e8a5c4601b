"""What the consent page says of a client that nobody has verified."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from events.client_registration import About
from service.pages.unverified import Unverified, unverified

LOGO = "https://cdn.example.com/logo.png"


def seen(about: About, *, first_party: bool = False, client_id: str = "oauth_client_1") -> Any:
    client = SimpleNamespace(
        client_id=client_id,
        login=SimpleNamespace(first_party=first_party),
        self_registered=SimpleNamespace(about=about),
        document=object() if client_id.startswith("https") else None,
    )
    return cast("Any", SimpleNamespace(client=client))


def told(about: About, **how: Any) -> Unverified:
    found = unverified(seen(about, **how))
    assert found is not None
    return found


@pytest.mark.parametrize("client_id", ["oauth_client_1", "https://app.example.com/client.json"])
def test_it_names_the_logo_that_the_client_named(client_id: str):
    assert told(About(logo_uri=LOGO), client_id=client_id).logo_uri == LOGO
    assert told(About(), client_id=client_id).logo_uri is None


def test_a_logo_that_is_not_https_is_not_named():
    assert told(About(logo_uri="http://cdn.example.com/logo.png")).logo_uri is None


def test_the_host_of_the_website_is_said_where_it_is_another_than_that_of_the_document():
    about = About(client_uri="https://app.example.com/about")
    found = told(about, client_id="https://app.example.com/client.json")
    assert (found.document, found.website, found.client_uri) == ("app.example.com", None, about.client_uri)
    assert told(about).website == "app.example.com"


def test_an_operator_s_client_and_a_first_party_one_have_none_of_it():
    assert unverified(None) is None
    assert unverified(seen(About(logo_uri=LOGO), first_party=True)) is None
