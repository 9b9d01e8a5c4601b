"""Lists of a user's consents and authorizations read that user's rows alone."""

from service.migrations.script import run

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run(
        "create index authorizations_of_user on read.authorizations (user_id, stream_id);"
        "create index consents_of_user on read.consents (user_id, stream_id)"
    )
