"""From when on muniment doctor warns: where the rules of deploy/alerts.yaml alert, so that the two never contradict each other."""

from datetime import timedelta

KEY_AGE = timedelta(days=180)
"""How long a signing key should sign at most."""

PROJECTION_LAG = timedelta(minutes=1)
CHECKPOINT_LAG = timedelta(minutes=5)
WITNESS_LAG = timedelta(minutes=15)
WEBHOOK_LAG = timedelta(minutes=15)
"""How long the oldest entry may wait for each."""
