"""The one shape of a result, so that tables, files and pages read every metric alike.

| key | what stands there |
|---|---|
| `metric` | name with its judge: "FD-CLAP-evaluation"; other judges' values cannot be compared |
| `value` | the figure, as the field defines it |
| `low`, `high` | its 95 % interval; None where there is no honest one |
| `interval` | how it was found, or why there is none |
| `higher_is_better` | None where neither end is |
| `judge` | `name` of the embedder, classifier or listener; services add `revision`, `settings` |
| `counts` | on how much it was measured: clips, rows, pairs, dimensions, classes |
| `settings` | what else decides the figure: bandwidth, direction, splits, seed |
| `detail` | further figures of the same measurement; {} for most |
"""

from collections.abc import Mapping
from typing import Any

from pipelines.intervals import Interval

KEYS = (
    "metric", "value", "low", "high", "interval", "higher_is_better", "judge", "counts",
    "settings", "detail",
)  # fmt: skip


def result(
    metric: str,
    value: float,
    *,
    bounds: tuple[float, float] | None,
    interval: str,
    higher_is_better: bool | None,
    judge: str,
    counts: Mapping[str, int],
    settings: Mapping[str, Any] | None = None,
    detail: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A result in the shape above.

    Args:
        bounds: low and high of the 95 % interval, or None.
    """
    low, high = (None, None) if bounds is None else bounds
    return {
        "metric": metric,
        "value": float(value),
        "low": None if low is None else float(low),
        "high": None if high is None else float(high),
        "interval": interval,
        "higher_is_better": higher_is_better,
        "judge": {"name": judge},
        "counts": dict(counts),
        "settings": dict(settings or {}),
        "detail": dict(detail or {}),
    }


def bounds(found: Interval) -> tuple[float, float]:
    """Low and high of an interval."""
    return found.low, found.high
