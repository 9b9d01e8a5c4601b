"""A user has roles, which say what they may do in the console."""

from service.migrations.script import run

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    run("alter table read.users add column roles text[] not null default '{}';call log.generate_project()")
