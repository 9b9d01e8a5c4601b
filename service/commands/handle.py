"""The loop of every command: load the events, decide, append. After a conflict it starts again."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from functools import reduce
from typing import Generic, TypeVar
from uuid import UUID

from msgspec import Struct

from events import (
    access_token,
    api,
    authorization,
    bot,
    client,
    consent,
    device_authorization,
    exchange,
    initial_access_token,
    session,
    signing_key,
    trusted_issuer,
    user,
)
from events.append_with_tokens import DecidedFrom, Token
from events.codec import Event, type_of
from events.database import Pool, read
from events.envelope import Meta
from events.log import Append, Appended, Change, Conflict, Duplicate, Log, Receipt
from events.replay import history
from projections import (
    apis,
    authorizations,
    bots,
    clients,
    consents,
    device_authorizations,
    exchanges,
    initial_access_tokens,
    registry,
    revoked_tokens,
    sessions,
    signing_keys,
    trusted_issuers,
    users,
)
from projections.table import Table
from service.commands import access_token as access_token_commands
from service.commands import api as api_commands
from service.commands import authorization as authorization_commands
from service.commands import bot as bot_commands
from service.commands import client as client_commands
from service.commands import consent as consent_commands
from service.commands import device_authorization as device_authorization_commands
from service.commands import exchange as exchange_commands
from service.commands import initial_access_token as initial_access_token_commands
from service.commands import session as session_commands
from service.commands import signing_key as signing_key_commands
from service.commands import trusted_issuer as trusted_issuer_commands
from service.commands import user as user_commands
from service.commands.command import AnyCommand, OrdinaryCommand, StoppingCommand
from service.refusals import Contradiction, VersionMismatch
from service.tracing.spans import span

ATTEMPTS = 8

MOST_EVENTS = 5_000
"""Each command folds its whole stream. To stay fast, a stream of this length accepts only StoppingCommands."""

State = TypeVar("State")
Command = TypeVar("Command", bound=AnyCommand)
Happened = TypeVar("Happened", bound=Event)


class Loaded(Struct, Generic[State], frozen=True):
    """The events of a stream, and the state after them. `left_out` counts events in the middle of it that are not among these. `changes` are
    those of the rows by the last append, if they are known.
    """

    events: Sequence[Event]
    state: State
    left_out: int = 0
    changes: Sequence[Change] = ()

    @property
    def version(self) -> int:
        return len(self.events) + self.left_out


class Aggregate(Struct, Generic[Command, State, Happened], frozen=True):
    """The functions of one kind of aggregate, and the inline projection that follows all of its events. Others may follow some.

    `personal` says that its events are about one user, so that the reason for them is sealed. `room` is how many times MOST_EVENTS a
    stream may have.
    """

    initial: State
    evolve: Callable[[State, Happened], State]
    decide: Callable[[Command, State], list[Happened]]
    table: Table
    personal: bool = False
    room: int = 1

    def state(self, past: Sequence[Event]) -> State:
        """Returns the state after the events of a stream.

        A caller may send the id of another kind of aggregate. On such a stream the state is the initial one.
        """
        return self.following(self.initial, past if past and type_of(past[0]) in self.table.tags else ())

    def following(self, state: State, events: Sequence[Event]) -> State:
        """Returns the state after more of its events."""
        return reduce(self.evolve, events, state)  # pyright: ignore[reportArgumentType]

    def loaded(self, past: Sequence[Event]) -> Loaded[State]:
        """Returns these events of a stream with the state after them."""
        return Loaded(past, self.state(past))


CLIENT: Aggregate[client_commands.ClientCommand, client.Client, client.ClientEvent] = Aggregate(
    client.Unregistered(), client.evolve, client_commands.decide, clients.TABLE
)
BOT: Aggregate[bot_commands.BotCommand, bot.Bot, bot.BotEvent] = Aggregate(
    bot.UnregisteredBot(), bot.evolve, bot_commands.decide, bots.TABLE
)
API: Aggregate[api_commands.ApiCommand, api.Api, api.ApiEvent] = Aggregate(
    api.UnregisteredApi(), api.evolve, api_commands.decide, apis.TABLE
)
SIGNING_KEY: Aggregate[signing_key_commands.SigningKeyCommand, signing_key.SigningKey, signing_key.SigningKeyEvent] = (
    Aggregate(signing_key.UnknownKey(), signing_key.evolve, signing_key_commands.decide, signing_keys.TABLE)
)
ACCESS_TOKEN: Aggregate[access_token_commands.RevokeToken, access_token.AccessToken, access_token.AccessTokenEvent] = (
    Aggregate(access_token.UnrevokedToken(), access_token.evolve, access_token_commands.decide, revoked_tokens.TABLE)
)
USER: Aggregate[user_commands.UserCommand, user.User, user.UserEvent] = Aggregate(
    user.UnregisteredUser(), user.evolve, user_commands.decide, users.TABLE, personal=True
)
SESSION: Aggregate[session_commands.SessionCommand, session.Session, session.SessionEvent] = Aggregate(
    session.NoSession(), session.evolve, session_commands.decide, sessions.TABLE, personal=True
)
CONSENT: Aggregate[consent_commands.ConsentCommand, consent.Consent, consent.ConsentEvent] = Aggregate(
    consent.NoConsent(), consent.evolve, consent_commands.decide, consents.TABLE, personal=True
)
AUTHORIZATION: Aggregate[
    authorization_commands.AuthorizationCommand, authorization.Authorization, authorization.AuthorizationEvent
] = Aggregate(
    authorization.Unauthorized(),
    authorization.evolve,
    authorization_commands.decide,
    authorizations.TABLE,
    personal=True,
    room=2,
)

TRUSTED_ISSUER: Aggregate[
    trusted_issuer_commands.TrustedIssuerCommand, trusted_issuer.TrustedIssuer, trusted_issuer.TrustedIssuerEvent
] = Aggregate(
    trusted_issuer.UnknownIssuer(), trusted_issuer.evolve, trusted_issuer_commands.decide, trusted_issuers.TABLE
)
DEVICE_AUTHORIZATION: Aggregate[
    device_authorization_commands.DeviceAuthorizationCommand,
    device_authorization.DeviceAuthorization,
    device_authorization.DeviceAuthorizationEvent,
] = Aggregate(
    device_authorization.NotRequested(),
    device_authorization.evolve,
    device_authorization_commands.decide,
    device_authorizations.TABLE,
    personal=True,
)

INITIAL_ACCESS_TOKEN: Aggregate[
    initial_access_token_commands.InitialAccessTokenCommand,
    initial_access_token.InitialAccessToken,
    initial_access_token.InitialAccessTokenEvent,
] = Aggregate(
    initial_access_token.NoInitialAccessToken(),
    initial_access_token.evolve,
    initial_access_token_commands.decide,
    initial_access_tokens.TABLE,
)
EXCHANGE: Aggregate[exchange_commands.RecordExchange, exchange.Exchange, exchange.ExchangeEvent] = Aggregate(
    exchange.NoExchange(), exchange.evolve, exchange_commands.decide, exchanges.TABLE
)


class Handled(Struct, frozen=True):
    """`events` are those of the command, and `changes` those of the rows; `position` is the position of the last event, or None if the
    command changed nothing.
    """

    position: int | None
    version: int
    events: Sequence[Event] = ()
    changes: Sequence[Change] = ()


class CarriedOutBefore(Exception):
    """Another request appended the same command (by its Idempotency-Key) in the meantime."""


class Overtaken(Exception):
    """Another append came first, so nothing was appended: what it was decided from must be read again."""


class Ledger(Struct, frozen=True):
    """The log to which commands append, and the connections that read it."""

    log: Log
    pool: Pool


async def handle(
    ledger: Ledger,
    aggregate: Aggregate[Command, State, Happened],
    stream: UUID,
    command: Command,
    meta: Meta,
    *,
    fresh: bool = False,
    only_at: AbstractSet[int] | None = None,
    receipt: Receipt | None = None,
    loaded: Loaded[State] | None = None,
    decided_from: DecidedFrom | None = None,
) -> Handled:
    """Carries out the command on the stream, and returns when its events are durable.

    `fresh` says that the stream's id is new, so there is nothing to load. `loaded` is the stream as the caller loaded it a
    moment ago: only what changes nothing is decided again, from those of now. With `only_at`, the stream must be at one of these
    versions: otherwise it raises VersionMismatch, or Contradiction if another append came first. What the command was `decided_from` must
    have stayed as it was: otherwise it raises Overtaken. A Token counts only if one of the events names it, and is recorded with them.
    Raises what `decide` raises, Unavailable, CarriedOutBefore.
    """
    assert not (aggregate.personal and isinstance(meta.reason, str)), "the log could never forget this reason"
    for _ in range(ATTEMPTS):
        earlier, loaded = loaded, None
        now = earlier or (
            Loaded([], aggregate.initial) if fresh else aggregate.loaded(await _load(ledger.pool, stream))
        )
        version = now.version
        with span("decide"):
            events = aggregate.decide(command, now.state)
        # Versions are compared after decide, so that a caller learns none that it may not see (the order of RFC 9110 section 13.2.1).
        if only_at is not None and version not in only_at:
            raise VersionMismatch(version, only_at)
        if not events and earlier is not None:
            continue
        if not events:
            return Handled(None, version)
        most = aggregate.room * MOST_EVENTS
        if version >= most and not _stops(command, events):
            raise Contradiction(f"This was changed {most} times, which is the most; register a new one.")
        changes = registry.changes(stream, now.events, events, left_out=now.left_out, before=now.changes)
        relied_on = None if decided_from is None or _issues_nothing(decided_from, events) else decided_from
        item = Append(
            stream=stream,
            expected=version,
            events=events,
            meta=meta,
            changes=changes,
            receipt=receipt,
            decided_from=relied_on,
            is_fresh=fresh,
        )
        with span("append"):
            outcome = await ledger.log.append(item)
        match outcome:
            case Appended():
                return Handled(outcome.position, outcome.version, events, changes)
            case Duplicate():
                raise CarriedOutBefore
            case Conflict():
                if relied_on is not None:
                    raise Overtaken
                if only_at is not None:
                    raise Contradiction("Another request changed this at the same time; read it again.")
    raise Contradiction("Too many requests are changing this at the same time; try again.")


def _issues_nothing(decided_from: DecidedFrom, events: Sequence[Event]) -> bool:
    """Returns whether a token was to be issued, which no event names: what was presented for it was used before."""
    if not isinstance(decided_from, Token):
        return False
    return all(authorization.token_named(each) != decided_from.issue.jti for each in events)


def _stops(command: AnyCommand, events: Sequence[Event]) -> bool:
    """Returns whether the command stops something. A replay does, although its command is an ordinary one: it revokes all tokens."""
    match command:
        case StoppingCommand():
            return True
        case OrdinaryCommand():
            return isinstance(events[-1], authorization.AuthorizationRevoked)


async def state_of(ledger: Ledger, aggregate: Aggregate[Command, State, Happened], stream: UUID) -> State:
    """Returns the current state of the aggregate. Raises Unavailable."""
    return aggregate.state(await _load(ledger.pool, stream))


async def _load(pool: Pool, stream: UUID) -> list[Event]:
    with span("load"):
        return [past.event for past in await read(pool, lambda connection: history(connection, stream))]
