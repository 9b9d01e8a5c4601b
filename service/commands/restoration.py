"""Restoring a client or bot as it was at a position of the log: the commands, and their events for a deleted one."""

from datetime import datetime

from msgspec import UNSET, UnsetType

from events.bot import BotRestored, DeletedBot
from events.client import Active, By, ClientRestored, Deleted, Disabled, terms_of
from events.client_secret import StoredSecret
from events.client_security import USUAL_SECURITY
from service.commands.api_grants import may_authenticate_as, may_grant
from service.commands.authority import Holder, may_enable, may_give
from service.commands.command import OrdinaryCommand
from service.commands.security_change import may_delegate
from service.refusals import Contradiction, NotPermitted


class RestoreClient(OrdinaryCommand, frozen=True, kw_only=True):
    """`then` is the client as it was at the position `as_of`, by its own events.

    `secret` is the new one of a confidential client that was deleted; None: it keeps those of its secrets of then that nobody revoked.
    """

    by: Holder
    then: Active | Disabled
    as_of: int
    created_at: datetime
    secret: StoredSecret | None
    at: datetime
    client_id: str | UnsetType = UNSET


class RestoreBot(OrdinaryCommand, frozen=True, kw_only=True):
    """The bot as it was at the position `as_of`, by its own events; `disabled_by` is who had disabled it then."""

    by: Holder
    email: str
    first_name: str | None
    last_name: str | None
    disabled_by: By | None
    as_of: int
    at: datetime


def restore_client(command: RestoreClient, deleted: Deleted) -> list[ClientRestored]:
    """Raises NotPermitted, Contradiction."""
    terms, last = terms_of(command.then), terms_of(deleted.was)
    _may_undo(command.by, deleted.by, "client")
    may_give(command.by, set(terms.scopes), terms.grant)
    may_grant(command.by, terms.apis, None if last.apis is None else ())
    may_delegate(command.by, terms.security, last.security)
    if command.secret is not None:
        may_authenticate_as(command.by, terms)
    if terms.login.first_party and not command.by.operates:
        raise NotPermitted("Only an operator can restore a client that skips the consent of users (firstParty).")
    return [
        ClientRestored(
            owner=terms.owner,
            grant=terms.grant,
            display_name=terms.display_name,
            redirect_uris=terms.redirect_uris,
            scopes=terms.scopes,
            secrets=_secrets(command, terms, last),
            public=terms.public,
            login=terms.login,
            access_token_alg=terms.access_token_alg,
            disabled_by=_disabled_by(command.by, _by(command.then), _by(deleted.was), "client"),
            created_at=command.created_at,
            version=last.version + 1,
            restored=last.restored + 1,
            as_of=command.as_of,
            at=command.at,
            client_id=command.client_id,
            security=UNSET if terms.security == USUAL_SECURITY else terms.security,
            registration=terms.registration or UNSET,
            document=terms.document or UNSET,
            apis=UNSET if terms.apis is None else terms.apis,
            keys=tuple(key for key in last.keys if key.key_id in {each.key_id for each in terms.keys}) or UNSET,
        )
    ]


def _secrets(command: RestoreClient, then: Active, last: Active) -> tuple[StoredSecret, ...]:
    """Secrets of then that were revoked before the deletion stay revoked."""
    if then.public:
        return ()
    if command.secret is not None:
        return (command.secret,)
    ids = {secret.secret_id for secret in then.secrets}
    kept = tuple(secret for secret in last.secrets if secret.secret_id in ids)
    if not kept and then.security.token_endpoint_auth_method is None:
        raise Contradiction("All secrets that this client had then are revoked. Restore it with a new secret.")
    return kept


def restore_bot(command: RestoreBot, deleted: DeletedBot) -> list[BotRestored]:
    """Raises NotPermitted."""
    _may_undo(command.by, deleted.by, "bot")
    return [
        BotRestored(
            owner=deleted.owner,
            email=command.email,
            first_name=command.first_name,
            last_name=command.last_name,
            disabled_by=_disabled_by(command.by, command.disabled_by, deleted.disabled_by, "bot"),
            as_of=command.as_of,
            at=command.at,
        )
    ]


def _may_undo(by: Holder, deleted: By, noun: str) -> None:
    if deleted == "operator" and not by.operates:
        raise NotPermitted(f"An operator deleted this {noun}, so only an operator (scope operate) can restore it.")


def _disabled_by(by: Holder, then: By | None, last: By | None, noun: str) -> By | None:
    """Returns who has it disabled afterwards. A deletion and a restoration must not undo what an operator disabled."""
    if last == "operator" and then != "operator":
        may_enable(by, last, noun)
    return then


def _by(client: Active | Disabled) -> By | None:
    return client.by if isinstance(client, Disabled) else None
