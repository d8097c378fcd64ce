"""Train, dev and test by which events occur together, so that no wording or order of them leaks."""

from collections.abc import Iterable

from pipelines.seeds import fork

SHARES = {"train": 0.8, "dev": 0.1, "test": 0.1}


def split_of(labels: Iterable[str]) -> str:
    """The split of a combination of labels; their order and repetition do not matter.

    Single events are in every split (a world without a dog in training knows no dog); their
    renders differ by seed.

    >>> split_of(["Dog", "Rain"]) == split_of(["Rain", "Dog"])
    True
    """
    names = sorted(set(labels))
    if len(names) == 1:
        return "train"
    draw = fork(0, "split", *names) / 2**31
    for name, share in SHARES.items():
        if draw < share:
            return name
        draw -= share
    return "test"
