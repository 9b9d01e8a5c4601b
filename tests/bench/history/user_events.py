"""What happens to the users of the made-up deployment: their sessions, consents and authorizations."""

import secrets
from datetime import timedelta
from functools import cache
from uuid import UUID

from msgspec import json

from events.authorization import (
    AuthorizationGranted,
    AuthorizationRevoked,
    CodeIssued,
    CodeRedeemed,
    RefreshTokenIssued,
    RefreshTokenRotated,
)
from events.consent import ConsentGiven, ConsentWithdrawn, stream_of
from events.envelope import ByClient, ByUser, Meta
from events.sealed import Sealed
from events.session import SessionEnded, SessionStarted
from events.user import UserDisabled, UserEnabled, UserErased, UserEvent, UserProfileChanged, UserRegistered
from service.crypto.sealing import Seal
from service.values.profile import Profile
from service.vault.data_keys import KEY_BYTES, personal
from service.vault.personal_data import wrapping
from service.vault.sealed_fields import closed
from tests.bench.history.client_events import Happened, register_client
from tests.bench.history.world import Authorization, Done, LoginToken, Other, World, taken
from tests.bench.peers import MASTER_KEY

PROFILE = "profile"
LONG = timedelta(days=30)


@cache
def _vault() -> Seal:
    return wrapping(MASTER_KEY)


def register_user(world: World) -> Happened:
    """The profile is sealed, and the data key is in the vault, so that lists of users cost what they cost."""
    user, key = Other(stream=world.id()), secrets.token_bytes(KEY_BYTES)
    world.users.append(user)
    world.data_keys[user.stream] = _vault().close(key, user.stream.bytes)
    event = UserRegistered(profile=_profile(user, key, 0), password=None, email_verified=True, at=world.now)
    return [Done(user.stream, 1, (event,), _by_user(world, user.stream))]


def _profile(user: Other, key: bytes, version: int) -> Sealed:
    profile = Profile(email=f"{user.stream.hex}@example.com", name=f"User in version {version}")
    return closed(personal(key), user.stream, PROFILE, json.encode(profile))


def change_user(world: World) -> Happened:
    if not world.users:
        return register_user(world)
    number = world.some(len(world.users))
    user = world.users[number]
    user.version += 1
    event: UserEvent
    if world.chance(0.05):
        taken(world.users, number)
        del world.data_keys[user.stream]
        event = UserErased(at=world.now)
    elif world.chance(0.3):
        user.disabled = not user.disabled
        event = UserDisabled() if user.disabled else UserEnabled()
    else:
        key = _vault().open(world.data_keys[user.stream], user.stream.bytes)
        event = UserProfileChanged(profile=_profile(user, key, user.version), at=world.now)
    return [Done(user.stream, user.version, (event,), _by_user(world, user.stream))]


def start_session(world: World) -> Happened:
    if not world.users:
        return register_user(world)
    user = world.users[world.some(len(world.users))].stream
    session = Other(stream=world.id(), user=user)
    world.sessions.append(session)
    event = SessionStarted(
        user=user,
        token_hash=_hash(world),
        amr=("pwd",),
        acr="1",
        device=None,
        at=world.now,
        expires_at=world.now + LONG,
    )
    return [Done(session.stream, 1, (event,), _by_user(world, user))]


def end_session(world: World) -> Happened:
    if not world.sessions:
        return start_session(world)
    session = taken(world.sessions, world.some(len(world.sessions)))
    event = SessionEnded(why="logout", notify=(), at=world.now)
    return [Done(session.stream, 2, (event,), _by_user(world, session.user or session.stream))]


def give_consent(world: World) -> Happened:
    if not world.users or not world.interactive:
        return register_client(world)
    user, client = world.dice.choice(world.users).stream, world.dice.choice(world.interactive)
    stream = stream_of(user, client.client_id, None)
    if stream in world.consented:
        return start_session(world)
    world.consented.add(stream)
    consent = Other(stream=stream, user=user)
    world.consents.append(consent)
    event = ConsentGiven(user=user, client_id=client.client_id, resource=None, scopes=client.scopes, at=world.now)
    return [Done(stream, 1, (event,), _by_user(world, user))]


def withdraw_consent(world: World) -> Happened:
    if not world.consents:
        return give_consent(world)
    consent = taken(world.consents, world.some(len(world.consents)))
    consent.version += 1
    return [
        Done(
            consent.stream,
            consent.version,
            (ConsentWithdrawn(at=world.now),),
            _by_user(world, consent.user or consent.stream),
        )
    ]


def authorize(world: World) -> Happened:
    if not world.sessions or not world.interactive:
        return start_session(world)
    session, client = world.dice.choice(world.sessions), world.dice.choice(world.interactive)
    user = session.user or session.stream
    authorization = Authorization(stream=world.id(), client=client, user=user, scopes=client.scopes)
    world.authorizations.append(authorization)
    granted = AuthorizationGranted(
        client=client.stream,
        user=user,
        session=session.stream,
        scopes=client.scopes,
        resource=None,
        nonce=None,
        auth_time=world.now,
        acr="1",
        amr=("pwd",),
        bound_by=("pkce",),
    )
    code = CodeIssued(
        hash=_hash(world),
        redirect_uri=(*client.redirect_uris, "")[0],
        named=True,
        code_challenge=_hash(world) if world.chance(0.8) else None,
        expires_at=world.now + timedelta(minutes=1),
        at=world.now,
    )
    return [Done(authorization.stream, 1, (granted, code), _by_user(world, user, session.stream))]


def exchange(world: World) -> Happened:
    """The code of the newest authorization is redeemed, or else a refresh token is exchanged."""
    if not world.authorizations:
        return authorize(world)
    newest = world.authorizations[-1]
    authorization = newest if newest.exchanges == 0 else world.dice.choice(world.authorizations)
    first, jti, version = authorization.exchanges == 0, world.id(), authorization.version + 1
    world.tokens.append(LoginToken(world.now, jti, authorization))
    authorization.exchanges += 1
    meta = world.by(ByClient(client_id=authorization.client.client_id, sub=authorization.client.client_id))
    if not first:
        authorization.version += 1
        return [
            Done(authorization.stream, version, (RefreshTokenRotated(hash=_hash(world), jti=jti, at=world.now),), meta)
        ]
    authorization.version += 2
    redeemed = CodeRedeemed(jti=jti, at=world.now)
    refresh = RefreshTokenIssued(hash=_hash(world), expires_at=world.now + LONG, at=world.now)
    return [Done(authorization.stream, version, (redeemed, refresh), meta)]


def revoke_authorization(world: World) -> Happened:
    if len(world.authorizations) < 2:
        return authorize(world)
    number = world.some(len(world.authorizations) - 1)
    authorization = world.authorizations.pop(number)
    event = AuthorizationRevoked(why="user", at=world.now)
    return [Done(authorization.stream, authorization.version + 1, (event,), _by_user(world, authorization.user))]


def _by_user(world: World, user: UUID, session: UUID | None = None) -> Meta:
    return world.by(ByUser(user_id=user, session=session), address=False).__replace__(reason=None)


def _hash(world: World) -> str:
    return f"{world.dice.getrandbits(256):064x}"
