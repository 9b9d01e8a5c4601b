"""Which redirect URIs may be registered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.network.redirect_uri import DANGEROUS, backchannel_faults, faults


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example.com/oauth/callback",
        "https://app.example.com",
        "https://app.example.com:8443/cb?tenant=1&x=%20",
        "https://xn--bcher-kva.example/cb",
        "https://[2001:db8::1]/cb",
        "https://192.0.2.1/cb",
        "HTTPS://App.Example.com/cb",
        "http://127.0.0.1/cb",
        "http://127.0.0.1:49152/cb",
        "http://localhost:3000/cb",
        "http://[::1]:3000/cb",
        "com.example.app:/callback",
        "com.example.app://callback",
        "com.example.my-app:/oauth2redirect",
        "cursor://anysphere.cursor-retrieval/oauth/callback",
        "vscode://vscode.github-authentication/did-authenticate",
        "myapp://callback",
        "myapp:/callback",
        "http://app.localhost:3000/cb",
        "https://app_1.example.com/cb",
        "https://app.example.com./cb",
        "https://app.example.com/cb?codes=1&State=2",
    ],
)
def test_these_may(uri):
    assert faults(uri) == []


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("/callback", "absolute"),
        ("callback", "absolute"),
        ("//app.example.com/callback", "absolute"),
        ("?code=1", "absolute"),
        ("", "must not be empty"),
        (" ", "must be a URI"),
        ("https://app.example.com/cb#fragment", "fragment"),
        ("https://app.example.com/cb#", "fragment"),
        ("javascript:alert(1)", "not javascript:"),
        ("JavaScript:alert(1)", "not javascript:"),
        ("data:text/html,hello", "not data:"),
        ("file:///etc/passwd", "not file:"),
        ("vbscript:x", "not vbscript:"),
        ("about:blank", "not about:"),
        ("urn:ietf:wg:oauth:2.0:oob", "not urn:"),
        ("com.example.my_app:/cb", "has the scheme com.example.my_app:"),
        ("1app:/cb", "begins with a letter"),
        (":/cb", "absolute"),
        ("https://*.example.com/cb", "wildcard"),
        ("https://app.example.com/*", "wildcard"),
        ("https://user@app.example.com/cb", "user information"),
        ("https://user:password@app.example.com/cb", "user information"),
        ("https://app.example.com@evil.example/cb", "user information"),
        ("https://@app.example.com/cb", "user information"),
        ("http://app.example.com/cb", "plain http"),
        ("http://127.0.0.1.example.com/cb", "plain http"),
        ("http://localhost.example.com/cb", "plain http"),
        ("http://127.0.0.2/cb", "plain http"),
        ("http://0.0.0.0/cb", "plain http"),
        ("http://[::2]/cb", "plain http"),
        ("http://2130706433/cb", "plain http"),
        ("https://app.example.com/a b", "no spaces"),
        (" https://app.example.com/cb", "no spaces"),
        ("https://app.example.com/cb\n", "no spaces"),
        ("https://app.example.com/\tcb", "no spaces"),
        ("java\nscript:alert(1)", "no spaces"),
        ("https://app.example.com\\@evil.example/cb", "backslashes"),
        ("https:\\\\app.example.com/cb", "backslashes"),
        ("https://bücher.example/cb", "write xn--bcher-kva.example instead"),
        ("https://BÜCHER.example:8443/cb", "write xn--bcher-kva.example instead"),
        ("https://app.example.com/büche", "outside ASCII"),
        ("https://\u2028/cb", "outside ASCII"),
        ("https://app.example.com/\u202ecb", "outside ASCII"),
        ("https://app.example.com/\ud800", "outside ASCII"),
        ("https://app.example.com/\x00", "must be a URI"),
        ("https://app.example.com/<script>", "must be a URI"),
        ('https://app.example.com/"', "must be a URI"),
        ("https://app.example.com:0/cb", "port 0"),
        ("http://127.0.0.1:0/cb", "port 0"),
        ("https://app.example.com:65536/cb", "port from 1 to 65535"),
        ("https://app.example.com:port/cb", "port from 1 to 65535"),
        ("https://a..b/cb", "is not a host name"),
        ("https://-/cb", "is not a host name"),
        ("https://-a.example/cb", "is not a host name"),
        ("https://%65xample.com/cb", "is not a host name"),
        ("https://" + "a" * 64 + ".example/cb", "is not a host name"),
        ("https://" + "a." * 130 + "example/cb", "is not a host name"),
        ("https://1.2.3/cb", "no IPv4 address"),
        ("https://0x7f.0x1/cb", "no IPv4 address"),
        ("https://256.1.1.1/cb", "no IPv4 address"),
        ("https://app.example.com/cb?code=1", "must not have code"),
        ("https://app.example.com/cb?x=1&state=&iss=2", "must not have iss, state"),
        ("com.example.app:/cb?%63ode=1", "must not have code"),
        ("https://[::1/cb", "not a URI that can be read"),
        ("http://app.example.com[::1]/cb", "not a URI that can be read"),
        ("https://[::1].example.com/cb", "not a URI that can be read"),
        ("https://[v1.a]/cb", "not a URI that can be read"),
        ("https://[fe80::1%25eth0]/cb", "not a URI that can be read"),
        ("https://[::1]:80a/cb", "must name a port"),
        ("https://", "name a host"),
        ("https:///cb", "name a host"),
        ("https:/cb", "name a host"),
        ("https:cb", "name a host"),
        ("https://:443/cb", "name a host"),
        ("https:app.example.com/cb", "name a host"),
    ],
)
def test_these_may_not(uri, said):
    assert said in " ".join(faults(uri))


@pytest.mark.parametrize("scheme", sorted(DANGEROUS))
def test_a_scheme_that_the_browser_or_the_system_acts_on_is_never_an_app_s_own(scheme: str):
    assert f"not {scheme}:" in " ".join(faults(f"{scheme}:x"))
    assert f"not {scheme}:" in " ".join(faults(f"{scheme.upper()}://x"))


def test_a_short_scheme_is_for_public_clients():
    assert "public" in " ".join(faults("cursor://callback", public=False))
    assert faults("com.example.app:/cb", public=False) == []
    assert faults("https://app.example.com/cb", public=False) == []


@pytest.mark.parametrize(
    ("uri", "good"),
    [
        ("http://app:3000/cb", True),
        ("http://app.internal/cb", True),
        ("http://other:3000/cb", False),
        ("http://app.example.com/cb", False),
        ("https://other/cb", True),
    ],
)
def test_plain_http_is_for_the_hosts_that_the_operator_named(uri: str, good: bool):
    named = {"app", "app.internal"}
    assert (faults(uri, named) == []) == good
    assert (backchannel_faults(uri, "https://id.example.com", named) == []) == good


def test_every_fault_is_named_at_once():
    assert len(faults("http://user@app.example.com:1/cb#x")) == 3


@given(st.text())
def test_no_text_at_all_makes_the_reading_fail(text):
    assert isinstance(faults(text), list)
    assert isinstance(faults("https://" + text), list)


@pytest.mark.parametrize(
    ("uri", "issuer", "good"),
    [
        ("https://app.example.com/out", "https://id.example.com", True),
        ("http://127.0.0.1:9/out", "http://127.0.0.1:8000", True),
        ("https://localhost/out", "https://id.example.com", False),
        ("http://127.0.0.1:9/out", "https://id.example.com", False),
        ("http://[::1]/out", "https://id.example.com", False),
        ("http://app.example.com/out", "http://127.0.0.1:8000", False),
        ("com.example.app:/out", "https://id.example.com", False),
    ],
)
def test_what_this_server_sends_to_by_itself_is_not_its_own_loopback(uri: str, issuer: str, good: bool):
    assert (backchannel_faults(uri, issuer) == []) == good
