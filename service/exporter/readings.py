"""What the exporter itself reads: the state that all processes share, and that of its workers. docs/metrics.md has it, too."""

from typing import Literal

from msgspec import Struct


class State(Struct, frozen=True):
    """A metric that the exporter reads at the moment when it is asked for it, with the names of its labels."""

    name: str
    text: str
    labels: tuple[str, ...] = ()
    kind: Literal["counter", "gauge"] = "gauge"


class Reading(Struct, frozen=True):
    """One value of a state. `values` are those of its labels."""

    of: State
    value: float
    values: tuple[str, ...] = ()


BUILD = State(
    "muniment_build_info", "The versions of Muniment and Python; the value is always 1.", ("version", "python")
)
STARTED = State("muniment_start_time_seconds", "When the service was started, in seconds since 1970.")
WORKERS = State("muniment_workers", "Processes that serve requests.")
ENDED = State("muniment_workers_ended", "Processes that served requests and have ended.", kind="counter")
DATABASE_UP = State(
    "muniment_database_up", "Whether the database can be read: 1 or 0. Without it, what follows is left out."
)
POSITION = State("muniment_log_position", "The number of entries of a log.", ("log",))
LAG_EVENTS = State("muniment_projection_lag_events", "Entries that a projection has not taken in.", ("projection",))
LAG_SECONDS = State(
    "muniment_projection_lag_seconds",
    "Age of the oldest entry that a projection has not taken in; 0 if none.",
    ("projection",),
)
FAILED = State("muniment_projection_failed", "Whether a projection has stopped at an entry: 1 or 0.", ("projection",))
DIFFERS = State(
    "muniment_projection_verification_failed",
    "Whether the last verification found that a projection is not what the log makes of it: 1 or 0.",
    ("projection",),
)
VERIFICATION_AGE = State(
    "muniment_projection_verification_age_seconds",
    "Seconds since the last verification of a projection.",
    ("projection",),
)
CHECKPOINT_SIZE = State("muniment_checkpoint_size", "Entries below the newest signed checkpoint of a log.", ("log",))
CHECKPOINT_LAG = State(
    "muniment_checkpoint_lag_seconds",
    "Age of the oldest entry that no signed checkpoint includes; 0 if none.",
    ("log",),
)
COSIGNED_SIZE = State(
    "muniment_witness_cosigned_size", "Size of the last checkpoint that a witness cosigned.", ("witness", "log")
)
WITNESS_LAG = State(
    "muniment_witness_lag_seconds",
    "Age of the oldest checkpoint that a witness has not cosigned; 0 if none.",
    ("witness", "log"),
)
KEY_AGE = State(
    "muniment_signing_key_age_seconds", "Seconds since the key that signs was activated, by algorithm.", ("alg",)
)
WEBHOOK_LAG_EVENTS = State("muniment_webhook_lag_events", "Events that the audit webhook has not accepted.")
WEBHOOK_LAG = State(
    "muniment_webhook_lag_seconds", "Age of the oldest event that the audit webhook has not accepted; 0 if none."
)

EVERY = (
    *(
        BUILD,
        STARTED,
        WORKERS,
        ENDED,
        DATABASE_UP,
        POSITION,
        LAG_EVENTS,
        LAG_SECONDS,
        FAILED,
        DIFFERS,
        VERIFICATION_AGE,
    ),
    *(CHECKPOINT_SIZE, CHECKPOINT_LAG, COSIGNED_SIZE, WITNESS_LAG, KEY_AGE, WEBHOOK_LAG_EVENTS, WEBHOOK_LAG),
)
