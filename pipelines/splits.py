"""Train, dev and test by the events that a prompt asks for: all its wordings stay on one side."""

from collections.abc import Iterable, Mapping

from pipelines.seeds import SEED_LIMIT, fork

SHARES = {"train": 0.8, "dev": 0.1, "test": 0.1}


def group_of(prompt: str, labels: Iterable[str] = ()) -> str:
    """What must stay on one side of a split: the labels in any order, else the words of the prompt.

    >>> group_of("A dog barks", ["Dog", "Rain"]) == group_of("rain, then a dog", ["Rain", "Dog"])
    True
    >>> group_of("A dog  barks.") == group_of("a dog barks")
    True
    """
    names = sorted({label.strip().casefold() for label in labels})
    if names:
        return "labels: " + " + ".join(names)
    return "prompt: " + " ".join(prompt.casefold().split()).rstrip(".!?")


def split_of(group: str, *, seed: int = 0, shares: Mapping[str, float] = SHARES) -> str:
    """The split of a group, by its name alone: new rows of an old group join it."""
    draw = fork(seed, "split", group) / SEED_LIMIT * sum(shares.values())
    for name, share in shares.items():
        if draw < share:
            return name
        draw -= share
    return name
