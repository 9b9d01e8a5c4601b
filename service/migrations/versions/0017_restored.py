"""Clients that were deleted can be restored, and nothing that was issued before is valid again."""

from service.migrations.script import run

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run(
        "alter table read.clients add column restored bigint not null default 0;"
        "alter table read.authorizations add column restored bigint not null default 0;"
        "create index clients_restored on read.clients (stream_id) where restored > 0;"
        "call log.generate_project()"
    )
