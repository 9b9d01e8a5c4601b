"""What a token is for: which APIs a client may name, and which scopes it has in a token for several of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.api import ApiScope, ApiTerms
from events.api import stream_of as stream_of_api
from events.client import Login
from events.client_apis import GrantedApi
from projections import apis, clients
from service.endpoints.introspect import may_see
from service.oauth import targets
from service.oauth.authorization_request import AuthorizationRequest
from service.oauth.consent_parts import parts_of
from service.oauth.errors import InvalidTarget
from service.oauth.targets import Known, aimed, is_absolute, named
from tests.rules.keyring import CLAIMS
from tests.rules.samples import AT, CLIENT_ID, CRM, REGISTERED, STREAM

ERP, ISSUER, AUDIENCE = "urn:example:erp", "https://id.example.com", "https://api.example.com"
MANAGEMENT = f"{ISSUER}/api/v1"
FLAT = ("api:public", "clients:read", "operate", "introspect:all", "read")


def api(identifier: str, *scopes: str, **terms: Any) -> apis.Row:
    return apis.Row(
        stream_id=stream_of_api(identifier),
        identifier=identifier,
        terms=ApiTerms(name=identifier, scopes=tuple(ApiScope(name=scope) for scope in scopes), **terms),
        state="active",
        created_at=AT,
        version=1,
    )


def known(*registered: apis.Row) -> Known:
    return Known(issuer=ISSUER, audience=AUDIENCE, registered={each.identifier: each for each in registered})


def client(
    granted: dict[str, tuple[str, ...]] | None, *, people: bool = False, login: Login | None = None
) -> clients.Row:
    row = clients.project(None, STREAM, REGISTERED.__replace__(scopes=FLAT))
    assert row is not None
    listed = None if granted is None else tuple(GrantedApi(identifier=i, scopes=s) for i, s in granted.items())
    interactive: dict[str, Any] = {"grant_type": "authorization_code", "login": login or Login()} if people else {}
    return row.__replace__(apis=listed, **interactive)


CRM_API, ERP_API = api(CRM, "read", "write", "operate"), api(ERP, "read", "post")
BOTH = known(CRM_API, ERP_API)


def scopes(asked: str, granted: dict[str, tuple[str, ...]] | None, **more: Any) -> tuple[str, ...]:
    return aimed(asked.split(), client(granted), BOTH, person=False, **more).scopes


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(scopes("", {}), FLAT, id="of the default audience, its own"),
        pytest.param(scopes(AUDIENCE, {}), FLAT, id="the same if it is named"),
        pytest.param(
            scopes(MANAGEMENT, {}), ("clients:read", "operate"), id="of the management API, those of it alone"
        ),
        pytest.param(scopes(CRM, {CRM: ("read",)}), ("read",), id="of an API, those that it is granted there"),
        pytest.param(scopes(CRM, {CRM: ()}), (), id="none of an API of which it is granted none"),
        pytest.param(scopes(CRM, {CRM: ("read", "gone")}), ("read",), id="none that the API has no more"),
        pytest.param(scopes("https://x.example", None), FLAT, id="of what is no API, its own, by the rule of before"),
        pytest.param(
            scopes(f"{CRM} {ERP}", {CRM: ("write",), ERP: ("post",)}), ("write", "post"), id="of two, of both"
        ),
        pytest.param(
            scopes(f"{CRM} {ERP}", {CRM: ("read", "write"), ERP: ("post",)}),
            ("write", "post"),
            id="none that the other API has too, and did not grant",
        ),
        pytest.param(scopes(f"{CRM} {ERP}", {CRM: ("read",), ERP: ("read",)}), ("read",), id="one that both granted"),
        pytest.param(
            scopes(f"{MANAGEMENT} {CRM}", {CRM: ("read", "operate")}).count("operate"), 1, id="one of two names, once"
        ),
        pytest.param(
            scopes(f"{AUDIENCE} {CRM}", {CRM: ("read", "write")}),
            ("api:public", "clients:read", "introspect:all", "read"),
            id="none beside the default audience that the client does not have there too",
        ),
    ],
)
def test_the_scopes_that_a_machine_may_have_are(found: object, expected: object):
    assert found == expected


def test_a_scope_named_like_one_of_the_management_api_gives_nothing_there():
    weak = client({CRM: ("operate",)}).__replace__(scopes=("clients:read",))
    assert aimed([CRM], weak, BOTH, person=False).scopes == ("operate",)
    assert aimed([MANAGEMENT, CRM], weak, BOTH, person=False).scopes == ("clients:read",)


@pytest.mark.parametrize(
    ("asked", "granted", "why"),
    [
        ("https://x.example", {}, "no API of this server"),
        (CRM, {}, f"may not use {CRM}"),
        (CRM, None, f"may not use {CRM}"),
        (f"{CRM} https://x.example", {CRM: ()}, "no API of this server"),
        ("https://x.example/#a", None, "absolute URI"),
        ("http://x.example", None, "absolute URI"),
        ("crm", {}, "absolute URI"),
        ("urn:x", None, "absolute URI"),
    ],
)
def test_what_a_client_may_not_name_is_an_invalid_target(
    asked: str, granted: dict[str, tuple[str, ...]] | None, why: str
):
    with pytest.raises(InvalidTarget, match=why):
        aimed(asked.split(), client(granted), BOTH, person=False)


def test_every_fault_is_named():
    with pytest.raises(InvalidTarget) as refused:
        aimed([CRM, "crm", ERP], client({}), BOTH, person=False)
    assert all(part in refused.value.description for part in (CRM, ERP, "absolute URI"))


def test_a_client_without_management_scopes_may_not_name_the_management_api_and_no_person_may():
    with pytest.raises(InvalidTarget, match="no scope of the management API"):
        aimed([MANAGEMENT], client({}).__replace__(scopes=("api:public",)), BOTH, person=False)
    with pytest.raises(InvalidTarget, match="for machines"):
        aimed([MANAGEMENT], client({}, people=True), BOTH, person=True)


def test_any_client_may_ask_a_person_for_an_open_api_and_no_machine_gets_it():
    opened = known(api(CRM, "read", any_client=True))
    assert aimed([CRM], client({}, people=True), opened, person=True).scopes == ("read",)
    assert aimed([CRM], client(None, people=True), opened, person=True).scopes == ("read",)
    with pytest.raises(InvalidTarget):
        aimed([CRM], client({}), opened, person=False)
    unasked = client({}, people=True, login=Login(first_party=True))
    with pytest.raises(InvalidTarget):
        aimed([CRM], unasked, opened, person=True)


def test_the_strictest_settings_of_several_apis_hold():
    strict = known(
        api(CRM, token_lifetime=300, dpop_required=True, access_token_alg="EdDSA", claims=("email",)),
        api(ERP, token_lifetime=600, mtls_required=True, claims=("email", "name")),
        api("urn:other", access_token_alg="RS256"),
    )
    may = client({CRM: (), ERP: (), "urn:other": ()})
    target = aimed([CRM, ERP], may, strict, person=False)
    assert (target.lifetime(3600), target.lifetime(60), target.alg) == (300, 60, "EdDSA")
    assert (target.dpop_required, target.mtls_required, target.claims) == (True, True, ("email", "name"))
    assert (target.audience, aimed([CRM], may, strict, person=False).audience) == ((CRM, ERP), CRM)
    with pytest.raises(InvalidTarget, match="different signature algorithms"):
        aimed([CRM, "urn:other"], may, strict, person=False)


@pytest.mark.parametrize(
    ("registered", "asked", "meant"),
    [
        ("https://mcp.example", "https://mcp.example/", "https://mcp.example"),
        ("https://mcp.example/", "https://mcp.example", "https://mcp.example/"),
        ("https://mcp.example:8443", "https://mcp.example:8443/", "https://mcp.example:8443"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
        ("https://mcp.example/mcp", "https://mcp.example/mcp/", None),
        ("https://mcp.example/?a", "https://mcp.example?a", None),
        ("https://mcp.example", "https://mcp.example//", None),
        ("urn:mcp", "urn:mcp/", None),
    ],
)
def test_only_an_empty_path_is_the_same_as_a_slash(registered: str, asked: str, meant: str | None):
    by_both = [named({name: asked}, client({}), known(api(registered))) for name in ("resource", "audience")]
    assert by_both == [(meant or asked,)] * 2


def test_of_two_forms_that_are_registered_each_is_itself_and_asked_for_together_they_are_one_api():
    with_slash, without = api("https://mcp.example/"), api("https://mcp.example")
    assert named({"resource": "https://mcp.example/"}, client({}), known(with_slash, without)) == (
        "https://mcp.example/",
    )
    both = {"resource": "https://mcp.example https://mcp.example/"}
    assert named(both, client({}), known(without)) == ("https://mcp.example",)


def test_the_servers_own_audience_is_no_other_form_of_an_api_that_was_registered():
    slash = known(api(f"{AUDIENCE}/", "read"))
    assert named({"resource": AUDIENCE}, client({}), slash) == (AUDIENCE,)
    assert aimed([AUDIENCE], client({}), slash, person=False).scopes == FLAT


def test_the_audience_is_what_is_registered_also_for_a_client_of_before_which_gets_no_way_around_the_api():
    mcp = known(api("https://mcp.example", "notes:read"))
    may = client({"https://mcp.example": ("notes:read",)})
    target = aimed(named({"resource": "https://mcp.example/"}, may, mcp), may, mcp, person=False)
    assert (target.audience, target.scopes) == ("https://mcp.example", ("notes:read",))
    with pytest.raises(InvalidTarget):
        aimed(named({"resource": "https://mcp.example/"}, client(None), mcp), client(None), mcp, person=False)
    other = named({"resource": "https://other.example/"}, client(None), mcp)
    assert aimed(other, client(None), mcp, person=False).audience == "https://other.example/"


def test_audience_means_resource_except_for_what_clients_of_before_sent_and_nobody_read():
    asked = {"resource": f"{CRM} {CRM}", "audience": f"{ERP} https://x.example"}
    assert named(asked, client({}), BOTH) == (CRM, ERP, "https://x.example")
    assert named(asked, client(None), BOTH) == (CRM, ERP)
    assert named({"audience": AUDIENCE}, client(None), BOTH) == (AUDIENCE,)
    with pytest.raises(InvalidTarget, match="10 resources"):
        named({"resource": " ".join(f"urn:{n}" for n in range(11))}, client({}), BOTH)


@given(st.text(max_size=30))
def test_a_text_that_is_an_absolute_uri_has_a_scheme_and_no_fragment_and_no_space(text: str):
    if is_absolute(text):
        assert ":" in text
        assert not set(text) & set('# \t\n"<>\\')


@pytest.mark.parametrize(
    "text", ["https://a.example", "urn:a:b", "api://0192f000", "tag:a,2026:b", "https://a.example/x?y=z"]
)
def test_these_may_be_identifiers(text: str):
    assert is_absolute(text)


def test_an_api_says_who_may_introspect_its_tokens():
    caller = client({})
    registered = {CRM: api(CRM, introspectors=(CLIENT_ID,)), ERP: api(ERP)}
    sees = may_see(caller.__replace__(scopes=()), CLAIMS.__replace__(aud=(ERP, CRM)), registered)
    blind = may_see(caller.__replace__(scopes=()), CLAIMS.__replace__(aud=ERP), registered)
    assert (sees, blind) == (True, False)


def test_each_api_gets_its_own_part_of_a_persons_consent():
    request = AuthorizationRequest(
        client_id=CLIENT_ID,
        redirect_uri="https://app.example.com/cb",
        asked_at=0,
        scopes=("openid", "read", "write", "post"),
        resource=f"{CRM} {ERP}",
    )
    assert parts_of(request, BOTH.registered) == [(CRM, ("openid", "read", "write")), (ERP, ("openid", "read", "post"))]
    alone = request.__replace__(resource=None)
    assert parts_of(alone, BOTH.registered) == [(None, request.scopes)]


def test_the_reserved_identifiers_are_those_of_the_server_itself():
    assert BOTH.reserved == {ISSUER, AUDIENCE, targets.management_of(ISSUER)}
