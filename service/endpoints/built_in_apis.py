"""The server's own APIs: the default audience, and the management API. Settings make them, so no event does."""

from service.configuration.settings import Settings
from service.endpoints.api_schemas import Api
from service.oauth.targets import management_of
from service.values.scopes import (
    API_PUBLIC,
    AUDIT_READ,
    BOTS_READ,
    BOTS_WRITE,
    CLIENTS_READ,
    CLIENTS_WRITE,
    OPERATE,
    USERS_READ,
    USERS_WRITE,
)

DEFAULT, MANAGEMENT = "default", "management"
WORDS = {
    CLIENTS_WRITE: ("Register, change and delete clients", "Clients registrieren, ändern und löschen"),
    CLIENTS_READ: ("Read clients", "Clients lesen"),
    BOTS_WRITE: ("Create and delete bots", "Bots anlegen und löschen"),
    BOTS_READ: ("Read bots", "Bots lesen"),
    USERS_WRITE: ("Create, change and erase users", "Benutzer anlegen, ändern und löschen"),
    USERS_READ: ("Read users", "Benutzer lesen"),
    AUDIT_READ: ("Read everything, and the log of all changes", "Alles lesen, auch das Protokoll aller Änderungen"),
    OPERATE: ("See and change what belongs to any owner", "Sehen und ändern, was beliebigen Eigentümern gehört"),
}
"""In English and German."""


def built_in(settings: Settings) -> dict[str, Api]:
    """Return the server's own APIs by their ids."""
    usual = {API_PUBLIC: {"en": "Use the public API", "de": "Die öffentliche API verwenden"}}
    management = {scope: {"en": english, "de": german} for scope, (english, german) in WORDS.items()}
    return {
        DEFAULT: _api(settings, DEFAULT, settings.audience, "Default audience", usual),
        MANAGEMENT: _api(settings, MANAGEMENT, management_of(settings.issuer), "Management API", management),
    }


def _api(settings: Settings, api_id: str, identifier: str, name: str, scopes: dict[str, dict[str, str]]) -> Api:
    return Api(
        id=api_id,
        identifier=identifier,
        name=name,
        scopes=scopes,
        access_token_signed_response_alg=None,
        access_token_lifetime=settings.token_lifetime,
        dpop_required=False,
        mtls_required=False,
        access_token_claims=[],
        introspectors=[],
        any_client=False,
        built_in=True,
        created_utc=None,
    )
