"""The resources that a running process shares, created once at start."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from events.database import pool
from events.database_reader import Reader
from events.issuance import IssuanceLog
from events.log import Log
from projections.clients import Row
from service.audit.read_counts import ReadCounts
from service.audit.refusal_counts import RefusalCounts
from service.callers import Caller
from service.client_documents import ClientDocuments
from service.client_logos import Logos
from service.commands.handle import Ledger
from service.configuration.settings import LEEWAY_SECONDS, LONGEST_SESSION, LONGEST_TOKEN, Settings
from service.crypto.user_codes import UserCodes
from service.idempotency import Idempotency
from service.imported_secrets import ImportedSecrets
from service.limits import Limits
from service.lookup import Lookup
from service.metrics.process import ProcessMetrics
from service.network.fetching import Fetcher
from service.oauth.authorization_request import Requests
from service.oauth.dpop_nonces import Nonces
from service.oauth.errors import ServerAway
from service.oauth.foreign_tokens import ForeignTokens
from service.oauth.issuer_keys import IssuerKeys
from service.oauth.keys import KeyRing
from service.oauth.machine_token import MachineToken
from service.oauth.remote_keys import RemoteKeys
from service.oauth.remote_requests import RemoteRequests
from service.oauth.requests_alike import RequestsAlike
from service.oauth.signed_metadata import SignedMetadata
from service.oauth.signing import Signer
from service.oauth.targets import Known, Target
from service.oauth.tokens import ID_TOKEN_SECONDS, Tokens
from service.outages import Outages
from service.pasts import Pasts
from service.people.accounts import People
from service.people.console_sign_ins import ConsoleSignIns
from service.people.first_looks import FirstLooks
from service.people.sessions import Sessions
from service.people.standing import Authorizations
from service.people.throttle import Attempts
from service.pushed_requests import PushedRequests
from service.rate_limit import RateLimit
from service.readiness import Readiness
from service.remembered import Remembered
from service.streams import Streams
from service.transparency.log_key import LogKey
from service.waiting_devices import WaitingDevices

if TYPE_CHECKING:
    from service.oauth.upstream import Directory


class Resources(Struct, frozen=True, kw_only=True):
    settings: Settings
    ledger: Ledger
    issuance: IssuanceLog
    lookup: Lookup
    ring: KeyRing
    tokens: Tokens
    introspections: Remembered[bytes]
    machine_tokens: Remembered[MachineToken]
    signed_metadata: SignedMetadata
    foreign: ForeignTokens
    callers: Remembered[Caller]
    limits: Limits
    rate_limit: RateLimit
    codes: RateLimit
    reads: ReadCounts
    refusals: RefusalCounts
    imported: ImportedSecrets
    idempotency: Idempotency
    requests: Requests
    requests_alike: RequestsAlike
    pushed: PushedRequests
    nonces: Nonces
    user_codes: UserCodes
    waiting_devices: WaitingDevices
    people: People
    sessions: Sessions
    first_looks: FirstLooks
    authorizations: Authorizations
    console_sign_ins: ConsoleSignIns
    attempts: Attempts
    directory: "Directory | None"
    pasts: Pasts
    streams: Streams
    readiness: Readiness
    log_key: LogKey
    outages: Outages
    metrics: ProcessMetrics
    fetcher: Fetcher
    remote_keys: RemoteKeys
    remote_requests: RemoteRequests
    documents: ClientDocuments
    logos: Logos

    def signer(self, alg: str) -> Signer:
        """Raises ServerAway."""
        signer = self.ring.signers.get(alg)
        if signer is None:
            raise ServerAway
        return signer

    def access_token_signer(self, client: Row, target: Target | None = None) -> Signer:
        """The APIs that the token is for decide before the client, because they verify it. Raises ServerAway."""
        alg = target.alg if target is not None else None
        return self.signer(alg or client.access_token_alg or self.settings.access_token_alg)

    @property
    def known(self) -> Known:
        """The APIs of this deployment, as current as the cache."""
        return Known(
            issuer=self.settings.issuer,
            audience=self.settings.audience,
            insecure=self.settings.insecure_http_hosts,
            registered=self.lookup.apis,
        )


MOST_CODES = 60
"""Of one session in a minute. Each code adds two events to the log, and a page can request codes silently and fast (`prompt=none`)."""

PART_OF_CODES = 4
"""A process may issue this part of what remains before it asks how many others issued."""


@asynccontextmanager
async def open_resources(
    settings: Settings, url: str, master_key: bytes, metrics: ProcessMetrics | None = None
) -> AsyncGenerator[Resources]:
    """Open the resources, which connect when first needed, and close all of them at the end."""
    ring = KeyRing(
        master_key,
        longest_token=timedelta(seconds=max(settings.token_lifetime, ID_TOKEN_SECONDS)),
        longest_session=timedelta(seconds=LONGEST_SESSION),
    )
    longest = timedelta(seconds=LONGEST_TOKEN + LEEWAY_SECONDS)  # former tokens may live longer than today's
    metrics = metrics or ProcessMetrics()
    log, issuance = Log(url, metrics.commits("events")), IssuanceLog(url, metrics.commits("issuance"))
    limits, lookup = Limits(url), Lookup(url, ring.load, longest)
    rate_limit, codes = RateLimit(limits, settings.rate_limit), RateLimit(limits, MOST_CODES, PART_OF_CODES)
    # For reads of few rows: Postgres would plan them each time, which takes fifteen times as long as the read.
    reader = Reader(url)
    async with pool(url) as connections:
        ledger = Ledger(log, connections)
        people, readiness = People(ledger, master_key), Readiness(lookup, ring, issuance, connections)
        sessions = Sessions(ledger, people, settings, master_key, reader)
        authorizations = Authorizations(reader, lookup.be_certain, lambda: lookup.position)
        lookup.on_users_changed = authorizations.known.forget
        console_sign_ins = ConsoleSignIns(reader)
        imported = ImportedSecrets(ledger, lookup, limits)
        fetcher = Fetcher(settings.issuer, settings.insecure_http_hosts)
        remote_keys = RemoteKeys(fetcher, count=metrics.fetch_of("client_keys"))
        of_requests = Fetcher(settings.issuer, settings.insecure_http_hosts)
        remote_requests = RemoteRequests(of_requests, metrics.fetch_of("request_object"))
        documents = ClientDocuments(settings, ledger, lookup, limits, fetcher=fetcher, metrics=metrics)
        logos = Logos(settings.client_metadata_documents, limits, Fetcher(settings.issuer), metrics)
        try:
            yield Resources(
                settings=settings,
                ledger=ledger,
                issuance=issuance,
                lookup=lookup,
                ring=ring,
                tokens=Tokens(ring, issuer=settings.issuer, audience=settings.audience),
                introspections=Remembered(lookup),
                machine_tokens=Remembered(lookup),
                signed_metadata=SignedMetadata(settings.issuer),
                foreign=ForeignTokens(
                    lookup, IssuerKeys(fetcher, count=metrics.fetch_of("issuer_keys")), settings.issuer
                ),
                callers=Remembered(lookup),
                limits=limits,
                rate_limit=rate_limit,
                codes=codes,
                reads=ReadCounts(),
                refusals=RefusalCounts(),
                imported=imported,
                idempotency=Idempotency(connections, master_key),
                requests=Requests(master_key),
                requests_alike=RequestsAlike(),
                pushed=PushedRequests(connections, limits, master_key),
                nonces=Nonces(master_key, required=settings.dpop_nonce_required),
                user_codes=UserCodes(master_key),
                waiting_devices=WaitingDevices(connections, master_key),
                people=people,
                sessions=sessions,
                first_looks=FirstLooks(sessions, lookup.be_certain, lambda: lookup.epoch),
                authorizations=authorizations,
                console_sign_ins=console_sign_ins,
                attempts=Attempts(limits, people, settings, master_key),
                directory=_directory(settings),
                pasts=Pasts(reader),
                streams=Streams(),
                readiness=readiness,
                log_key=LogKey(settings.issuer, master_key),
                outages=Outages(),
                metrics=metrics,
                fetcher=fetcher,
                remote_keys=remote_keys,
                remote_requests=remote_requests,
                documents=documents,
                logos=logos,
            )
        finally:
            people.close()
            imported.close()
            await authorizations.close()
            await console_sign_ins.close()
            await readiness.close()
            await documents.close()
            await logos.close()
            await remote_requests.close()
            await of_requests.aclose()
            await fetcher.aclose()
            for part in (log, issuance, rate_limit, codes, limits, lookup, reader):
                await part.close()


def _directory(settings: Settings) -> "Directory | None":
    """Create the client of the upstream provider. Its libraries take ten megabytes, so they are loaded only if there is a provider."""
    if settings.upstream is None:
        return None
    from service.oauth.upstream import Directory  # noqa: PLC0415

    return Directory(settings.upstream, settings.issuer)
