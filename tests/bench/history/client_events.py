"""What happens to the clients and bots of the made-up deployment."""

from collections.abc import Iterable

from events.access_token import AccessTokenRevoked
from events.audit_read import AuditRead
from events.bot import BotDeleted, BotDisabled, BotEnabled, BotRegistered
from events.client import (
    AuthorizationCode,
    ClientCredentials,
    ClientDeleted,
    ClientDisabled,
    ClientDisplayNameChanged,
    ClientEnabled,
    ClientEvent,
    ClientRedirectUrisChanged,
    ClientRegistered,
    ClientScopesChanged,
    Grant,
)
from events.client_secret import ClientSecretAdded, ClientSecretRevoked
from events.envelope import Meta
from events.ids import bot_id_of
from events.refusal import AuthorizationRefused, ClientAuthenticationRefused, RefusalEvent, RequestsThrottled
from tests.bench.history.world import SCOPES, Client, Done, Other, World, taken

BUSY_ONE_IN = 2000
"""So often the first client is the one that is changed, so that one history is long."""

INTERACTIVE = 0.2
Happened = Iterable[Done]


def register_client(world: World) -> Happened:
    owner = world.dice.choice(world.owners)
    is_interactive = world.chance(INTERACTIVE)
    grant = AuthorizationCode() if is_interactive else ClientCredentials(bot_user_id=_bot(world))
    client, done = registered(world, owner, grant, world.by_owner(owner))
    world.clients.append(client)
    (world.interactive if is_interactive else world.machines).append(client)
    return [done]


def registered(world: World, owner: str, grant: Grant, meta: Meta) -> tuple[Client, Done]:
    """A new client that is in none of the world's lists, so nothing else happens to it."""
    number, secret = len(world.clients), world.secret("first")
    uris = (f"https://app-{number}.example.com/callback",) if isinstance(grant, AuthorizationCode) else ()
    event = ClientRegistered(
        owner=owner,
        grant=grant,
        display_name=f"Integration number {number}",
        redirect_uris=uris,
        scopes=world.scopes(),
        secret=secret,
        at=world.now,
    )
    client = Client(
        stream=world.id(),
        owner=owner,
        grant=grant,
        name=f"Integration number {number}",
        scopes=event.scopes,
        redirect_uris=uris,
        secrets=[secret.secret_id],
        first_secret=secret.secret_id,
        since=world.now,
    )
    return client, Done(client.stream, 1, (event,), meta)


def _bot(world: World) -> str:
    """Returns a bot that is registered here, the first ones more often, or one of the surrounding product's."""
    if not world.bots or world.chance(0.2):
        return f"bot-{world.some(1000)}"
    return bot_id_of(world.bots[int(len(world.bots) * world.dice.random() ** 2)].stream)


def change_client(world: World) -> Happened:
    client = world.clients[0 if world.chance(1 / BUSY_ONE_IN) else world.some(len(world.clients))]
    event = _change(world, client)
    if event is None:
        return ()
    client.version += 1
    return [Done(client.stream, client.version, (event,), world.by_owner(client.owner))]


def _change(world: World, client: Client) -> ClientEvent | None:
    """Returns the next event of the client; None if it was deleted. The first client is never deleted."""
    if client.until is not None:
        return None
    match world.some(20):
        case 0 | 1 | 2 | 3 | 4:
            was, client.name = client.name, f"{client.name.partition(' (')[0]} (renamed {client.version} times)"
            return ClientDisplayNameChanged(display_name=client.name, was=was)
        case 5 | 6 | 7 | 8 | 9:
            was, client.scopes = client.scopes, _other_scopes(client)
            return ClientScopesChanged(scopes=client.scopes, was=was)
        case 10 | 11 | 12 | 13:
            return _secret_changed(world, client)
        case 14 | 15 if client.redirect_uris:
            was, client.redirect_uris = client.redirect_uris, (f"https://app.example.com/v{client.version}",)
            return ClientRedirectUrisChanged(redirect_uris=client.redirect_uris, was=was)
        case 16 if client is not world.clients[0] and world.chance(0.5):
            client.until = world.now
            return ClientDeleted(owner=client.owner, by="owner")
        case _:
            client.disabled = not client.disabled
            return ClientDisabled() if client.disabled else ClientEnabled()


def _other_scopes(client: Client) -> tuple[str, ...]:
    """One scope is given or taken."""
    scope = SCOPES[1 + client.version % (len(SCOPES) - 1)]
    return tuple(s for s in client.scopes if s != scope) if scope in client.scopes else (*client.scopes, scope)


def _secret_changed(world: World, client: Client) -> ClientEvent:
    if len(client.secrets) > 1:
        return ClientSecretRevoked(secret_id=client.secrets.pop(0))
    secret = world.secret(f"no. {client.version}")
    client.secrets.append(secret.secret_id)
    return ClientSecretAdded(secret=secret)


def register_bot(world: World) -> Happened:
    owner = world.dice.choice(world.owners)
    bot = Other(stream=world.id(), owner=owner)
    world.bots.append(bot)
    email = f"bot-{bot.stream.hex}@example.com"
    event = BotRegistered(owner=owner, email=email, first_name="Cee", last_name=None, at=world.now)
    return [Done(bot.stream, 1, (event,), world.by_owner(owner))]


def change_bot(world: World) -> Happened:
    if not world.bots:
        return register_bot(world)
    number = world.some(len(world.bots))
    bot = world.bots[number]
    bot.version += 1
    if number > 0 and world.chance(0.2):
        taken(world.bots, number)
        event = BotDeleted(owner=bot.owner, by="owner")
    else:
        bot.disabled = not bot.disabled
        event = BotDisabled() if bot.disabled else BotEnabled()
    return [Done(bot.stream, bot.version, (event,), world.by_owner(bot.owner))]


def refuse(world: World) -> Happened:
    """A request is refused: sometimes one of a client, and sometimes one of nobody."""
    client = world.clients[world.some(len(world.clients))]
    event: RefusalEvent
    match world.some(4):
        case 0:
            event = RequestsThrottled(client_id=None, limit=600, at=world.now)
        case 1:
            event = AuthorizationRefused(client_id=client.client_id, why="redirect_uri", at=world.now)
        case 2:
            event = ClientAuthenticationRefused(client_id=None, why="unknown_client", at=world.now)
        case _:
            event = ClientAuthenticationRefused(client_id=client.client_id, why="wrong_secret", at=world.now)
    return [Done(world.id(), 1, (event,), world.by_owner(client.owner))]


def read_audit(world: World) -> Happened:
    event = AuditRead(path="/api/v1/audit/events", filters=("type=client",), found=100, at=world.now)
    return [Done(world.id(), 1, (event,), world.by_owner(world.owners[0]))]


def revoke_token(world: World) -> Happened:
    client = world.clients[world.some(len(world.clients))]
    event = AccessTokenRevoked(client_id=client.client_id, expires_at=world.now, at=world.now)
    return [Done(world.id(), 1, (event,), world.by_owner(client.owner))]
