"""The log, the issuance log, the first projections, the vault and the limits."""

from service.migrations.script import run, run_files

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_files(
        "events/schema/0000_roles.sql",
        "events/schema/0001_log.sql",
        "events/schema/0002_issuance.sql",
        "events/schema/0003_grants.sql",
        "projections/schema/0001_tables.sql",
        "service/schema/0001_vault.sql",
        "service/schema/0002_limits.sql",
    )
    run("grant select on alembic_version to muniment_service")  # so that `serve` sees the version of the schema
