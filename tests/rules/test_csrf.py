"""A form is taken from the browser that it was given to, on our own pages, and from nobody else; and where it may lead to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.pages import csrf
from service.pages.rendering import policy

KEY, ISSUER = b"k" * 32, "https://login.example.com"


def test_the_token_is_good_for_the_browser_that_it_was_made_for():
    browser = csrf.new_browser()
    assert csrf.is_token(KEY, browser, csrf.token(KEY, browser))


def test_each_browser_has_a_value_of_its_own_and_its_token_does_not_tell_it():
    one, other = csrf.new_browser(), csrf.new_browser()
    assert one != other
    assert csrf.token(KEY, one) != csrf.token(KEY, other)
    assert one not in csrf.token(KEY, one)


def test_the_token_says_which_session_it_was_given_to_and_is_the_browser_s_in_any():
    browser = csrf.new_browser()
    given = csrf.token(KEY, browser, "one")
    assert csrf.is_of(KEY, browser, "one", given)
    assert not csrf.is_of(KEY, browser, "other", given)
    assert not csrf.is_of(KEY, browser, "", given)
    assert not csrf.is_of(KEY, csrf.new_browser(), "one", given)
    assert csrf.is_token(KEY, browser, given)


@given(st.text(), st.text())
def test_no_other_text_is_a_token(browser, text):
    assert not csrf.is_token(KEY, browser, text)


@pytest.mark.parametrize(
    ("browser", "given"),
    [
        pytest.param(None, csrf.token(KEY, ""), id="no cookie"),
        pytest.param("", csrf.token(KEY, ""), id="an empty cookie"),
        pytest.param("a", None, id="no token"),
        pytest.param("a", "", id="an empty token"),
        pytest.param("a", csrf.token(KEY, "b"), id="another browser's token"),
        pytest.param("a", csrf.token(b"j" * 32, "a"), id="a token under another key"),
        pytest.param("a", "é" * 64, id="no ASCII"),
    ],
)
def test_it_is_refused_with(browser, given):
    assert not csrf.is_token(KEY, browser, given)


def _fetched(site: str, mode: str, dest: str) -> dict[str, str]:
    return {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest}


@pytest.mark.parametrize(
    ("headers", "elsewhere"),
    [
        pytest.param({}, False, id="a browser that says nothing"),
        pytest.param(_fetched("none", "navigate", "document"), False, id="the address bar"),
        pytest.param(_fetched("same-origin", "cors", "empty"), False, id="a script of ours"),
        pytest.param(_fetched("cross-site", "navigate", "document"), False, id="a link on another site"),
        pytest.param(_fetched("cross-site", "navigate", "iframe"), True, id="a frame on another site"),
        pytest.param(_fetched("cross-site", "no-cors", "image"), True, id="an image on another site"),
        pytest.param(_fetched("same-site", "cors", "empty"), True, id="a script of a neighbour"),
        pytest.param({"sec-fetch-site": "cross-site"}, True, id="another site that hides what for"),
        pytest.param({"sec-purpose": "prefetch"}, True, id="ahead of time"),
        pytest.param(
            {**_fetched("none", "navigate", "document"), "sec-purpose": "prefetch;prerender"}, True, id="a guess"
        ),
    ],
)
def test_a_page_is_read_for_who_sees_it(headers: dict[str, str], elsewhere):
    assert csrf.is_read_elsewhere(headers) == elsewhere


@pytest.mark.parametrize(
    ("headers", "elsewhere"),
    [
        pytest.param({}, False, id="a browser that says nothing has its token"),
        pytest.param({"origin": ISSUER}, False, id="our own origin"),
        pytest.param({"origin": "null"}, False, id="an origin that a no-referrer page hides"),
        pytest.param({"origin": "null", "sec-fetch-site": "same-origin"}, False, id="hidden, but our own site"),
        pytest.param({"sec-fetch-site": "none"}, False, id="the person themselves"),
        pytest.param({"origin": "https://evil.example"}, True, id="another origin"),
        pytest.param({"origin": "http://login.example.com"}, True, id="another scheme"),
        pytest.param({"origin": "https://login.example.com:444"}, True, id="another port"),
        pytest.param({"origin": "null", "sec-fetch-site": "cross-site"}, True, id="hidden, and another site"),
        pytest.param({"sec-fetch-site": "same-site"}, True, id="a sibling of this host"),
        pytest.param({"origin": ISSUER, "sec-fetch-site": "cross-site"}, True, id="our origin, but another site"),
    ],
)
def test_where_a_form_comes_from(headers, elsewhere):
    assert csrf.from_elsewhere(headers, ISSUER) is elsewhere


def test_an_issuer_below_a_path_has_the_origin_of_its_host():
    assert not csrf.from_elsewhere({"origin": "https://example.com:8443"}, "https://example.com:8443/login")


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("https://app.example.com/cb?x=1", "https:"),
        ("http://127.0.0.1:51004/", "http://127.0.0.1:*"),
        ("http://localhost/", "http://localhost:*"),
        ("http://[::1]:51004/", "http:"),
        ("com.example.app:/callback", "com.example.app:"),
        ("https://a;script-src *.example.com/", "https:"),
        ("https://a,b/", "https:"),
    ],
)
def test_forms_lead_to_this_server_and_to_where_a_client_may_redirect_on(uri, target):
    directives = dict(part.strip().split(" ", 1) for part in policy(uri).split(";"))
    assert directives["form-action"] == f"'self' {target}"
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == "'self'"


def test_without_a_client_forms_lead_to_this_server_alone():
    assert "form-action 'self';" in policy()
    assert "unsafe" not in policy()
