"""How fast one person may go: a bucket for each, which fills as time passes."""

import math
import threading
import time
from collections.abc import Callable

from studio.refusals import TooFast

MOST_BUCKETS = 10_000  # the emptiest are kept; a full one says nothing


class Pace:
    """Refuses whoever asks more often than this, after a burst that is forgiven.

    Args:
        per_minute: how often in the long run.
        burst: how often at once, after a rest.
        clock: seconds that only grow; tests pass their own.
    """

    def __init__(
        self, per_minute: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.per_second, self.burst, self.clock = per_minute / 60, burst, clock
        self.buckets: dict[str, tuple[float, float]] = {}  # left, and when that was so
        self.lock = threading.Lock()

    def take(self, who: str, what: str) -> None:
        """Count one request of this person.

        Raises:
            TooFast: there were too many; says when the next is taken.
        """
        moment = self.clock()
        with self.lock:
            left, since = self.buckets.get(who, (self.burst, moment))
            left = min(self.burst, left + (moment - since) * self.per_second)
            if left < 1:
                wait = math.ceil((1 - left) / self.per_second)
                raise TooFast(f"That was fast; wait {wait} s before {what}.")
            self.buckets[who] = (left - 1, moment)
            if len(self.buckets) > MOST_BUCKETS:
                self._forget(moment)

    def _forget(self, moment: float) -> None:
        filling = self.burst / self.per_second
        self.buckets = {who: b for who, b in self.buckets.items() if moment - b[1] < filling}
