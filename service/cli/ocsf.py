"""Events and tokens in the words of OCSF (schema.ocsf.io), which a SIEM reads: IAM and API activity, of version 1.5.0."""

from ipaddress import ip_address
from typing import Any, Literal

import asyncpg
from msgspec import Struct

from events.authorization import AuthorizationGranted
from events.bot import BotRegistered
from events.codec import Recorded
from events.consent import ConsentGiven
from events.envelope import Actor, ByClient, ByOperator, ByService, ByUser, Meta
from events.ids import client_id_of
from events.issuance import decode
from events.refusal import AuthorizationRefused, ClientAuthenticationRefused, RequestsThrottled
from events.session import SessionStarted
from service.audit.event_fields import fields, subject
from service.cli.event_text import what

VERSION = "1.5.0"
PRODUCT = {"name": "Muniment", "vendor_name": "Muniment"}
OTHER = 99
SUCCESS, FAILURE = 1, 2
INFORMATIONAL, MEDIUM, HIGH = 1, 3, 4
USER, SYSTEM = 1, 3
OAUTH = 6


class Kind(Struct, frozen=True):
    """A class of OCSF, and its category."""

    name: Literal["Account Change", "Authentication", "Entity Management", "API Activity"]
    uid: int
    category: int
    category_name: str


ACCOUNT = Kind("Account Change", 3001, 3, "Identity & Access Management")
AUTHENTICATION = Kind("Authentication", 3002, 3, "Identity & Access Management")
ENTITY = Kind("Entity Management", 3004, 3, "Identity & Access Management")
API = Kind("API Activity", 6003, 6, "Application Activity")


class Activity(Struct, frozen=True):
    """What an event is in OCSF. Where OCSF has no activity for it, its name is the type of the event."""

    kind: Kind
    uid: int = OTHER
    status: int = SUCCESS
    severity: int = INFORMATIONAL


ACTIVITIES: dict[str, Activity] = {
    "user.registered": Activity(ACCOUNT, 1),
    "user.enabled": Activity(ACCOUNT, 2),
    "user.password_changed": Activity(ACCOUNT, 3),
    "user.disabled": Activity(ACCOUNT, 5),
    "user.erased": Activity(ACCOUNT, 6),
    "user.factor_added": Activity(ACCOUNT, 10),
    "user.factor_removed": Activity(ACCOUNT, 11),
    "bot.registered": Activity(ACCOUNT, 1),
    "bot.enabled": Activity(ACCOUNT, 2),
    "bot.disabled": Activity(ACCOUNT, 5),
    "bot.deleted": Activity(ACCOUNT, 6),
    "session.started": Activity(AUTHENTICATION, 1),
    "session.reauthenticated": Activity(AUTHENTICATION, 1),
    "session.ended": Activity(AUTHENTICATION, 2),
    "session.used_after_end": Activity(AUTHENTICATION, status=FAILURE, severity=HIGH),
    "authorization.granted": Activity(AUTHENTICATION, 3),
    "authorization.code_redeemed": Activity(AUTHENTICATION, 4),
    "authorization.refresh_token_rotated": Activity(AUTHENTICATION, 5),
    "authorization.code_replayed": Activity(AUTHENTICATION, 4, FAILURE, HIGH),
    "authorization.refresh_token_replayed": Activity(AUTHENTICATION, 5, FAILURE, HIGH),
    "authorization.redemption_refused": Activity(AUTHENTICATION, 4, FAILURE, MEDIUM),
    "device_authorization.approved": Activity(AUTHENTICATION, 3),
    "device_authorization.denied": Activity(AUTHENTICATION, 3, FAILURE, MEDIUM),
    "refusal.client_authentication": Activity(AUTHENTICATION, 1, FAILURE, MEDIUM),
    "client.registered": Activity(ENTITY, 1),
    "client.deleted": Activity(ENTITY, 4),
    "client.enabled": Activity(ENTITY, 8),
    "client.disabled": Activity(ENTITY, 9),
    "api.registered": Activity(ENTITY, 1),
    "api.deleted": Activity(ENTITY, 4),
    "signing_key.published": Activity(ENTITY, 1),
    "signing_key.activated": Activity(ENTITY, 10),
    "signing_key.retired": Activity(ENTITY, 11),
    "trusted_issuer.registered": Activity(ENTITY, 1),
    "trusted_issuer.deleted": Activity(ENTITY, 4),
    "trusted_issuer.enabled": Activity(ENTITY, 8),
    "trusted_issuer.disabled": Activity(ENTITY, 9),
    "initial_access_token.issued": Activity(ENTITY, 1),
    "initial_access_token.used": Activity(ENTITY, 3),
    "initial_access_token.revoked": Activity(ENTITY, 4),
    "exchange.made": Activity(AUTHENTICATION, 3),
    "consent.given": Activity(ENTITY, 1),
    "consent.withdrawn": Activity(ENTITY, 4),
    "access_token.revoked": Activity(ENTITY, 4),
    "authorization.revoked": Activity(ENTITY, 4),
    "session.client_not_reached": Activity(AUTHENTICATION, status=FAILURE),
    "retention.tokens_dropped": Activity(ENTITY, 4),
    "audit.read": Activity(API, 2),
    "revocation.ordered": Activity(API, 4, severity=HIGH),
}
FAMILIES: dict[str, Activity] = {
    "user": Activity(ACCOUNT),
    "bot": Activity(ACCOUNT),
    "session": Activity(AUTHENTICATION),
    "authorization": Activity(AUTHENTICATION),
    "device_authorization": Activity(AUTHENTICATION),
    "client": Activity(ENTITY, 3),
    "trusted_issuer": Activity(ENTITY, 3),
    "api": Activity(ENTITY, 3),
    "refusal": Activity(API, status=FAILURE, severity=MEDIUM),
}
"""What the other events of an aggregate are."""

TOKEN = Activity(AUTHENTICATION, 3)


def event(past: Recorded) -> dict[str, Any]:
    """The event as an object of its class. Nothing that is sealed is in it, so it names no person but by their id."""
    activity = ACTIVITIES.get(past.type) or FAMILIES.get(past.type.partition(".")[0], Activity(API))
    meta = past.meta
    told = _told(activity, past.position, past.recorded_at, past.type, log="log")
    told["metadata"]["correlation_uid"] = meta.request_id
    told |= {
        "message": what(past.event),
        "actor": _actor(meta.actor),
        "src_endpoint": _endpoint(meta.address, meta.actor),
        "unmapped": {"subject": subject(past), "version": past.version, **_trace(meta), **fields(past.event)},
    }
    match activity.kind.name:
        case "Account Change":
            return {**told, "user": _account(past)}
        case "Authentication":
            return {**told, "user": _user(past), "service": {"name": "Muniment"}}
        case "Entity Management":
            return {**told, "entity": {"uid": subject(past), "type": past.type.partition(".")[0], "type_id": OTHER}}
        case "API Activity":
            return {**told, "api": {"operation": past.type}}


def _trace(meta: Meta) -> dict[str, str]:
    return {} if meta.trace_id is None else {"trace_id": meta.trace_id}


def token(row: asyncpg.Record) -> dict[str, Any]:
    """An issued access token, as an authentication ticket of its subject."""
    issued = decode(row["data"])
    client_id = client_id_of(row["client"])
    told = _told(TOKEN, row["position"], row["issued_at"], "token.issued", log="issuance")
    return {
        **told,
        "message": f"access token {row['jti']} issued to {client_id}",
        "actor": {"app_uid": client_id},
        "src_endpoint": _endpoint(issued.address, None),
        "user": {"uid": issued.sub},
        "service": {"name": "Muniment"},
        "auth_protocol_id": OAUTH,
        "unmapped": {
            "jti": str(row["jti"]),
            "secret": str(row["secret"]),
            "scope": issued.scope,
            **({"jkt": issued.jkt} if issued.jkt else {}),
            "kid": issued.kid,
            "exp": issued.exp,
        },
    }


def _told(activity: Activity, position: int, moment: Any, name: str, *, log: str) -> dict[str, Any]:
    kind = activity.kind
    told: dict[str, Any] = {
        "class_uid": kind.uid,
        "class_name": kind.name,
        "category_uid": kind.category,
        "category_name": kind.category_name,
        "activity_id": activity.uid,
        "type_uid": kind.uid * 100 + activity.uid,
        "severity_id": activity.severity,
        "status_id": activity.status,
        "time": int(moment.timestamp() * 1000),
        "metadata": {
            "version": VERSION,
            "product": PRODUCT,
            "uid": f"{log}:{position}",
            "sequence": position,
            "event_code": name,
            "log_name": log,
            "original_time": moment.isoformat(),
        },
    }
    return told if activity.uid != OTHER else {**told, "activity_name": name}


def _actor(actor: Actor) -> dict[str, Any]:
    match actor:
        case ByClient():
            return {"app_uid": actor.client_id, "user": {"uid": actor.sub}}
        case ByUser(session=None):
            return {"user": {"uid": str(actor.user_id), "type_id": USER}}
        case ByUser():
            return {"user": {"uid": str(actor.user_id), "type_id": USER}, "session": {"uid": str(actor.session)}}
        case ByOperator():
            return {"app_name": "muniment", "user": {"name": actor.user, "type_id": USER}}
        case ByService():
            return {"app_name": "Muniment", "invoked_by": actor.why, "user": {"name": "Muniment", "type_id": SYSTEM}}


def _endpoint(address: str | None, actor: Actor | None) -> dict[str, Any]:
    if address is None:
        return {"name": "command line" if isinstance(actor, ByOperator) else "unknown"}
    try:
        return {"ip": str(ip_address(address))}
    except ValueError:
        return {"name": address}


def _account(past: Recorded) -> dict[str, Any]:
    if isinstance(past.event, BotRegistered):
        return {"uid": subject(past), "email_addr": past.event.email, "type_id": OTHER, "type": "bot"}
    is_bot = past.type.startswith("bot.")
    return {"uid": subject(past), **({"type_id": OTHER, "type": "bot"} if is_bot else {"type_id": USER})}


def _user(past: Recorded) -> dict[str, Any]:
    """Who was authenticated, or was not."""
    match past.event:
        case SessionStarted() | AuthorizationGranted() | ConsentGiven():
            return {"uid": str(past.event.user), "type_id": USER}
        case ClientAuthenticationRefused() | AuthorizationRefused() | RequestsThrottled() if past.event.client_id:
            return {"uid": past.event.client_id, "type_id": OTHER, "type": "client"}
        case _:
            return _actor(past.meta.actor).get("user", {"name": "unknown"})
