"""How the captions of our web corpus go wrong: in habits, so that no guidance can average them away.

A fault that strikes at random is outvoted by the captions that are right. People who describe sounds
err in habits instead: they name a background that is not heard and pass over one that is, and they
say "then" without meaning an order. What a model learns from that is to drop events and to scramble
order, which is what alignment has to mend.
"""

import numpy as np

from pipelines.soundworld.captions import CONJUNCTIONS_TWO, IN_ORDER, write_caption
from pipelines.soundworld.splits import split_of

BACKGROUND = ("Rain", "Wind", "Waves, surf", "Cricket", "Engine", "Tick-tock")
LOOSE = frozenset({"then", "and then"})  # joints that promise an order and are used without one
FAULTS = {
    "left out": 0.5,  # of mentions of a background that sounds among other events
    "added": 0.3,  # of captions with one or two mentions: a background that does not sound
    "swapped": 0.5,  # of loose joints: the events stand the wrong way round
    "joined wrongly": 0.04,  # of captions with a joint: one that says the opposite about order
}
LONGEST = 3  # mentions in a caption


def spoil(
    rng: np.random.Generator,
    labels: list[str],
    conjunctions: list[str],
    phrasing: list[int],
    split: str,
) -> tuple[str, str | None]:
    """A caption of the web corpus, and what is wrong with it: keys of FAULTS, or None.

    Args:
        rng: of the draws.
        labels: the events that sound, in the order of mention.
        conjunctions: one fewer than labels.
        phrasing: which phrase of each label.
        split: of the scene; a caption never names a combination of another split.
    """
    heard = tuple(labels)
    labels, conjunctions, phrasing = list(labels), list(conjunctions), list(phrasing)
    found = []
    for label in heard:
        rest = [x for x in labels if x != label]
        may_go = len(rest) == 1 or (len(rest) > 1 and split_of(rest) == split)
        if label in BACKGROUND and may_go and rng.uniform() < FAULTS["left out"]:
            place = labels.index(label)
            del labels[place], phrasing[place], conjunctions[max(place - 1, 0)]
            found.append("left out")
    if len(labels) < LONGEST and rng.uniform() < FAULTS["added"]:
        others = [x for x in BACKGROUND if x not in heard and split_of([*labels, x]) == split]
        if others:
            labels.append(str(rng.choice(others)))
            conjunctions.append(str(rng.choice(CONJUNCTIONS_TWO)))
            phrasing.append(int(rng.integers(0, 6)))
            found.append("added")
    for i, joint in enumerate(conjunctions):
        if joint in LOOSE and rng.uniform() < FAULTS["swapped"]:
            labels[i], labels[i + 1] = labels[i + 1], labels[i]
            phrasing[i], phrasing[i + 1] = phrasing[i + 1], phrasing[i]
            found.append("swapped")
    if conjunctions and rng.uniform() < FAULTS["joined wrongly"]:
        i = int(rng.integers(len(conjunctions)))
        other = [c for c in CONJUNCTIONS_TWO if (c in IN_ORDER) != (conjunctions[i] in IN_ORDER)]
        conjunctions[i] = str(rng.choice(other))
        found.append("joined wrongly")
    return write_caption(labels, conjunctions, phrasing), ", ".join(dict.fromkeys(found)) or None
