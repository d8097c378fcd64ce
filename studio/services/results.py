"""What the votes of a campaign say: boards, means, shares, agreement, reliability."""

from dataclasses import dataclass

from studio.store.store import Store


@dataclass(frozen=True)
class Results:
    """Reads live votes and computes; nothing here is stored."""

    store: Store
