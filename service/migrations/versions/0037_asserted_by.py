"""Authorizations say which trusted issuer asserted the user."""

from service.migrations.script import run

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    run("alter table read.authorizations add column asserted_by text; call log.generate_project()")
