"""The thresholds of muniment doctor."""

import math
import re
from datetime import timedelta
from pathlib import Path

import pytest

from service.cli.checks import thresholds

ALERTS = Path(__file__).parents[2] / "deploy" / "alerts.yaml"


@pytest.mark.parametrize(
    ("metric", "threshold"),
    [
        ("signing_key_age", thresholds.KEY_AGE),
        ("projection_lag", thresholds.PROJECTION_LAG),
        ("checkpoint_lag", thresholds.CHECKPOINT_LAG),
        ("witness_lag", thresholds.WITNESS_LAG),
        ("webhook_lag", thresholds.WEBHOOK_LAG),
    ],
)
def test_the_doctor_warns_from_where_an_alert_fires(metric: str, threshold: timedelta):
    found = re.findall(rf"muniment_{metric}_seconds\b[^>]*> ([\d *]*\d)", ALERTS.read_text())
    assert [math.prod(map(int, each.split("*"))) for each in found] == [threshold.total_seconds()]
