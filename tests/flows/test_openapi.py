"""/openapi.json says what the service does: every route, every scope, every example."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from starlette.routing import Route

from projections import clients
from projections.clients import Found
from service.app import ROUTES
from service.endpoints.management import Managed
from service.endpoints.oauth import OAuth
from service.endpoints.userinfo import UserInfo
from service.http.complete import Complete
from service.oauth import authorize
from service.oauth.request_parameters import RequestParameters
from service.openapi.authorization_parameters import AUTHORIZE
from service.openapi.document import OPERATIONS, document
from service.problems import Problem
from tests.flows.conftest import Live
from tests.rules.samples import INTERACTIVE, STREAM

DOCUMENT = document("https://auth.example.com")
REGISTRATION = DOCUMENT["components"]["schemas"]["CreateOAuthClientRequest"]


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def path_of(route: Route) -> str:
    return route.path.replace(":path}", "}")


def served(route: Route) -> set[tuple[str, str]]:
    endpoint: Any = route.endpoint
    match endpoint:
        case Managed() | UserInfo() as managed:
            return {(method, path_of(route)) for method in managed.actions}
        case OAuth():
            return {("POST", path_of(route))}
        case Complete():
            return {(method, path_of(route)) for method in endpoint.methods}
        case _:
            assert route.methods
            return {(method, path_of(route)) for method in route.methods - {"HEAD", "OPTIONS"}}


def validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for({**schema, "components": DOCUMENT["components"]}, validate_formats=True)


def bodies() -> Iterator[Any]:
    """(what, schema, example) of everything that has an example."""
    for method, path, operation in operations():
        contents = [("request", operation.get("requestBody", {}))]
        contents += [(status, response) for status, response in operation["responses"].items()]
        for what, content in contents:
            for media in content.get("content", {}).values():
                examples = [e["value"] for e in media.get("examples", {}).values()]
                for example in [*examples, *([media["example"]] if "example" in media else [])]:
                    yield pytest.param(media["schema"], example, id=f"{method} {path} {what}")
    for name, response in DOCUMENT["components"]["responses"].items():
        for media in response["content"].values():
            yield pytest.param(media["schema"], media["example"], id=name)


def test_every_route_is_described_and_nothing_else_is():
    assert {(method, path) for method, path, _ in operations()} == set().union(*(served(route) for route in ROUTES))


def test_every_operation_names_the_scope_that_it_takes():
    taken = {
        (method, path_of(route)): action.scope
        for route in ROUTES
        if isinstance(route.endpoint, Managed)
        for method, action in route.endpoint.actions.items()
    }
    assert {(o.method.upper(), o.path): o.scope for o in OPERATIONS if o.scope} == taken


def test_every_operation_has_an_id_of_its_own():
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids))


def test_every_kind_of_refusal_that_an_operation_can_meet_is_described():
    unasked = {405}  # no described operation meets it
    described = {int(status) for _, _, operation in operations() for status in operation["responses"]}
    assert {kind.status for kind in Problem.__subclasses__()} - unasked <= described


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_every_schema_is_one_of_json_schema_2020_12(name: str):
    jsonschema_rs.meta.validate(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", **DOCUMENT["components"]["schemas"][name]}
    )


@pytest.mark.parametrize(("schema", "example"), list(bodies()))
def test_every_example_is_what_its_schema_says(schema: dict[str, Any], example: Any):
    validator(schema).validate(example)


def test_the_document_is_openapi_3_1():
    schemathesis.openapi.from_dict(DOCUMENT).validate()


BOT, URI = {"botUserId": "bot-abc123"}, {"redirectUri": "https://myapp.example.com/oauth/callback"}


@pytest.mark.parametrize(
    ("body", "good"),
    [
        pytest.param({"m2m": True, **BOT}, True, id="a machine client has a bot"),
        pytest.param({"m2m": True, **BOT, **URI}, True, id="and may have a redirect URI"),
        pytest.param({"m2m": True, **URI}, False, id="but is none without a bot"),
        pytest.param({"m2m": True, "botUserId": None}, False, id="nor with null for a bot"),
        pytest.param({"m2m": True, "botUserId": " "}, False, id="nor with a blank one"),
        pytest.param({"m2m": False, **URI}, True, id="an interactive client has a redirect URI"),
        pytest.param({"m2m": False, **BOT, **URI}, True, id="and may have a bot"),
        pytest.param({"m2m": False, **BOT}, False, id="but is none without a redirect URI"),
        pytest.param({**BOT, **URI}, False, id="which it is must be said"),
        pytest.param({"m2m": True, **BOT, "scope": "operate"}, False, id="no other field is known"),
        pytest.param({"m2m": True, **BOT, "displayName": "x" * 255}, True, id="a name has 255 characters"),
        pytest.param({"m2m": True, **BOT, "displayName": "x" * 256}, False, id="and no more"),
        pytest.param({"m2m": False, **URI, "public": True}, True, id="an interactive client may be public"),
        pytest.param({"m2m": True, **BOT, "public": True}, False, id="a machine client may not"),
        pytest.param({"m2m": False, **URI, "requirePkce": False}, True, id="a confidential one may do without PKCE"),
        pytest.param({"m2m": False, **URI, "public": True, "requirePkce": False}, False, id="a public one may not"),
    ],
)
def test_the_schema_of_a_registration_says_what_the_page_says(body: dict[str, Any], good: bool):
    assert validator(REGISTRATION).is_valid(body) is good


def test_the_page_s_fields_are_described_in_the_page_s_words_and_limits():
    properties = dict(REGISTRATION["properties"])
    page = ["m2m", "botUserId", "displayName", "redirectUri"]
    assert list(properties)[:4] == page
    properties = {name: properties[name] for name in page}
    assert {name: p.get("maxLength") for name, p in properties.items()} == {
        "m2m": None,
        "botUserId": 450,
        "displayName": 255,
        "redirectUri": 2000,
    }
    assert properties.pop("m2m")["type"] == "boolean"
    assert all(field["type"] == ["null", "string"] for field in properties.values())
    register = DOCUMENT["paths"]["/api/v1/auth/clients"]["post"]
    assert "The clientSecret is only returned once. Store it securely immediately." in register["description"]


async def test_the_document_is_served_with_the_issuer_as_its_server(live: Live):
    answer = await live.http.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == document(live.url)
    assert answer.json()["servers"] == [{"url": live.url}]


async def test_a_reader_who_has_the_document_gets_none_again(live: Live):
    etag = (await live.http.get("/openapi.json")).headers["etag"]
    again = await live.http.get("/openapi.json", headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")


class Reading(dict[str, str]):
    """Parameters that remember which of them somebody looked for."""

    def __init__(self, **given: str) -> None:
        super().__init__(given)
        self.looked_for: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.looked_for.add(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self.looked_for.add(str(name))
        return super().__contains__(name)


def test_every_parameter_that_an_authorization_request_may_have_is_described():
    form = Reading(client_id="x", redirect_uri="https://app.example.com/cb", response_type="code")
    row: Any = clients.TABLE.fold(STREAM, [INTERACTIVE])
    row = row.__replace__(redirect_uris=(form["redirect_uri"],), scopes=("api:public",))
    asked = RequestParameters(params=form, twice=(), issuer="https://auth.example.com", now=0)
    authorize.checked(asked, Found(client=row, bot_state=None))
    described = {parameter.name for parameter in AUTHORIZE}
    read_elsewhere = {"client_id", "id_token_hint"}
    read_before = {"request", "request_uri"}
    assert described == ((form.looked_for | read_elsewhere) - set(authorize.NOT_OFFERED)) | read_before


OPENID = "/openid/"


@pytest.mark.parametrize(
    ("method", "path", "asked", "status"),
    [
        ("GET", "authorize", {"client_id": "nobody"}, 400),
        ("POST", "authorize", {"client_id": "nobody"}, 400),
        ("GET", "authorize", {"client_id": "CLIENT", "redirect_uri": "https://app.example.com/cb"}, 303),
        ("POST", "authorize", {"client_id": "CLIENT", "redirect_uri": "https://app.example.com/cb"}, 303),
        ("GET", "authorize", {"client_id": "CLIENT", "redirect_uri": "https://app.example.com/cb", "response_mode": "form_post"}, 200),
        ("GET", "logout", {"post_logout_redirect_uri": "https://nowhere.example.com"}, 303),
        ("POST", "logout", {"state": "x" * 70_000}, 413),
        ("GET", "userinfo", {}, 401),
        ("POST", "userinfo", {"access_token": "x"}, 401),
    ],
)  # fmt: skip
async def test_what_people_and_their_libraries_are_answered_is_described(
    live: Live, method: str, path: str, asked: dict[str, str], status: int
):
    if asked.get("client_id") == "CLIENT":
        asked = {**asked, "client_id": (await live.interactive())[0]}
    sent = {"params": asked} if method == "GET" else {"data": asked}
    answer = await live.http.request(method, OPENID + path, follow_redirects=False, **sent)
    assert answer.status_code == status
    described: dict[str, Any] = DOCUMENT["paths"][OPENID + path][method.lower()]["responses"][str(status)]
    if "$ref" in described:
        described = DOCUMENT["components"]["responses"][described["$ref"].rpartition("/")[2]]
    media = answer.headers.get("content-type", "").partition(";")[0]
    assert list(described.get("content", {})) == ([media] if answer.content else [])
