"""A user has roles through groups at the upstream provider, beside those that a person gave."""

from service.migrations.script import run

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    run("alter table read.users add column group_roles text[] not null default '{}';call log.generate_project()")
