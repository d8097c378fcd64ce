"""Which words the embedded model knows, and the nearest known one to a word it does not."""

import difflib
import re
from functools import cache

from pipelines.soundworld.captions import CONJUNCTIONS_TWO
from pipelines.soundworld.events import LABELS
from pipelines.soundworld.lexicon import phrases

# Words that people type for an event of the world, and the known word that means it.
NEAR_IN_MEANING = {
    "puppies": "puppy", "hound": "dog", "doggy": "dog", "woof": "barks", "kitty": "kitten",
    "purrs": "meows", "sparrow": "bird", "songbird": "bird", "goose": "duck", "mallard": "duck",
    "bullfrog": "frog", "grasshopper": "cricket", "cicada": "insects", "pony": "horse",
    "hoofbeats": "hooves", "raining": "rain", "downpour": "rain", "drizzle": "rain",
    "shower": "rain", "lightning": "thunder", "thunderstorm": "thunder", "breeze": "wind",
    "gale": "wind", "windy": "wind", "surf": "waves", "beach": "shore", "ocean's": "ocean",
    "faucet": "tap", "leak": "drips", "leaking": "dripping", "truck": "engine",
    "motorcycle": "engine", "bus": "engine", "chopper": "helicopter", "plane": "helicopter",
    "aircraft": "helicopter", "taxi": "car", "beep": "honks", "beeps": "honks", "police": "siren",
    "alarm": "siren", "firetruck": "siren", "cathedral": "church", "chime": "bell",
    "mobile": "phone", "cellphone": "phone", "timer": "clock", "pendulum": "clock",
    "tapping": "knocking", "banging": "knocking", "pistol": "gun", "explosion": "gunshots",
    "cheering": "applauds", "clapping": "claps", "boy": "man", "guy": "man", "male": "man",
    "girl": "woman", "lady": "woman", "says": "speaks", "newborn": "baby", "toddler": "infant",
    "sobbing": "crying", "storms": "storm", "after": "then", "afterwards": "then",
    "simultaneously": "while", "during": "while", "plus": "and", "railway": "train",
}  # fmt: skip


@cache
def known_words() -> tuple[str, ...]:
    """Every word of the home captions, sorted, the comma included."""
    words = set(" ".join(CONJUNCTIONS_TWO).split())
    for label in LABELS:
        for phrase in phrases(label):
            words |= set(split_words(f"{phrase.finite} {phrase.gerund}"))
    return tuple(sorted(words))


def split_words(text: str) -> list[str]:
    """Words as the tokenizer cuts them: lower case, punctuation apart.

    >>> split_words("A clock goes tick-tock, then…")
    ['a', 'clock', 'goes', 'tick', '-', 'tock', ',', 'then', '…']
    """
    return re.findall(r"\w+|[^\w\s]", text.lower())


def unknown_words(text: str) -> list[str]:
    """The words of a prompt that the embedded model does not know, in order, each once."""
    known = set(known_words())
    return [w for w in dict.fromkeys(split_words(text)) if w not in known and re.match(r"\w", w)]


def nearest_known(word: str) -> str | None:
    """The known word nearest to an unknown one: by meaning where listed, else by spelling."""
    word = word.lower()
    if word in NEAR_IN_MEANING:
        return NEAR_IN_MEANING[word]
    close = difflib.get_close_matches(word, known_words(), n=1, cutoff=0.7)
    return close[0] if close else None
