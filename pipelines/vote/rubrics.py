"""What each task asks of a voter and what its answers mean, in the words that the page shows.

The meanings are those of the papers: BATON D.1 for labels and Table 12 for opinion scores,
TangoFlux A.12 for OVL and REL. The words are ours.
"""

from collections.abc import Sequence
from typing import Any

TASKS = ("pairwise", "integrity", "temporal", "mos", "ovl_rel")
BATTLE_ASPECTS = ("quality", "relevance")
ASPECTS = {
    "integrity": ("integrity",),
    "temporal": ("temporal",),
    "mos": ("alignment", "quality"),
    "ovl_rel": ("OVL", "REL"),
}
RUBRICS = ("integrity", "temporal", "general")  # which scale of alignment a MOS test shows

LISTEN = (
    "Wear headphones, and sit where it is quiet.",
    "All sounds are equally loud. Set a comfortable volume once and leave it.",
)
HEADINGS = {
    "pairwise": "Which of the two sounds is better for the prompt?",
    "integrity": "Is everything that the prompt names to be heard?",
    "temporal": "Is everything that the prompt names to be heard, in the order it says?",
    "mos": "How well does each sound follow the prompt, and how good does it sound?",
    "ovl_rel": "How good is each sound, and how well does it match the prompt?",
}
LINES = {
    "pairwise": (
        "Read the prompt, hear A and B as often as you like, then choose.",
        "Tie: you would take either. Both bad: you would take neither.",
        "Skip when you cannot judge; a skip counts for nothing.",
        "Now and then both sounds come from one source, or one was spoiled. That is meant to be so.",
    ),
    "integrity": (
        "You hear several sounds for one prompt. Judge each by itself.",
        "Only what is there counts: not in which order, nor how often, nor how good it sounds.",
        "One of the named sounds missing is enough for 0.",
        "Uncertain is for what you really cannot make out.",
    ),
    "temporal": (
        "You hear several sounds for one prompt. Judge each by itself.",
        "Two things must hold: every named sound is there, and they come in the order of the words.",
        "Words like “then”, “followed by” and “before” give an order; “and”, “as” and “with” give none.",
        "How good it sounds does not count. Uncertain is for what you really cannot make out.",
    ),
    "mos": (
        "You hear several sounds for one prompt, in random order. Compare them as you like.",
        "Score alignment and quality apart: a clear sound may be the wrong one, and the other way round.",
    ),
    "ovl_rel": (
        "You hear several sounds for one prompt, in random order, each from another system.",
        "Give each two scores from 0 to 100. Comparing the sounds of a prompt with each other helps.",
        "What you have scored is saved as you go.",
    ),
}
QUALITY = (
    (5, "Clear and natural."),
    (4, "Fairly natural; pleasing on the whole."),
    (3, "Faults are plain to hear, but it will do."),
    (2, "Poor; not pleasant to listen to."),
    (1, "So bad that it can hardly be used."),
)
ALIGNMENT = {
    "integrity": (
        (5, "Both sounds are there and well made."),
        (4, "One of the two may be missing; you are not sure."),
        (3, "One of the two is missing without doubt."),
        (2, "One is missing without doubt, and perhaps the other too."),
        (1, "Both are missing without doubt."),
    ),
    "temporal": (
        (5, "All three sounds are there, well made and in the right order."),
        (4, "All three are there and well made, but in another order."),
        (3, "One of the three is missing."),
        (2, "Two of the three are missing."),
        (1, "All three are missing."),
    ),
    "general": (
        (5, "All that the prompt says is there, and as it says."),
        (4, "Nearly all; a detail or the order is off."),
        (3, "The main thing is there, something else is missing."),
        (2, "Only a little of it is there."),
        (1, "Nothing of it is there."),
    ),
}
LABELS = {
    "integrity": (
        (1, "Aligned: every sound that the prompt names is there."),
        (0, "Not aligned: at least one of them is missing."),
        (None, "Uncertain: you cannot make it out."),
    ),
    "temporal": (
        (1, "Aligned: every sound is there, and in the order that the prompt states."),
        (0, "Not aligned: at least one is missing, or the order is another."),
        (None, "Uncertain: you cannot make it out."),
    ),
}
OUTCOMES = (
    ("a", "A is better"),
    ("b", "B is better"),
    ("tie", "Tie: both as good"),
    ("both_bad", "Both bad"),
    ("skip", "Skip"),
)
QUESTIONS = {
    "pairwise": {
        "quality": ("Quality", "Which sounds better as such: clearer, more natural, less noise?"),
        "relevance": ("Relevance", "Which is nearer to the prompt: what sounds, and when?"),
    },
    "integrity": {"integrity": ("Integrity", "Is every sound that the prompt names there?")},
    "temporal": {
        "temporal": ("Order", "Is every sound that the prompt names there, in its order?")
    },
    "mos": {
        "alignment": ("Alignment", "How much of what the prompt says is there?"),
        "quality": ("Quality", "How good does it sound, whatever it is?"),
    },
    "ovl_rel": {
        "OVL": (
            "Overall quality (OVL)",
            "How true, clear and free of noise is it, whatever the prompt says?",
        ),
        "REL": (
            "Relevance (REL)",
            "Is what the prompt names to be heard, in the order that it describes?",
        ),
    },
}
HUNDRED = {
    "OVL": ((0, "Nothing but noise."), (100, "Perfect; nothing to mend.")),
    "REL": ((0, "Has nothing to do with the prompt."), (100, "Exactly what the prompt says.")),
}


def rules(
    task: str, aspects: Sequence[str], *, rubric: str | None = None, half_steps: bool = False
) -> dict[str, Any]:
    """What the page tells a voter: a heading, lines, and each aspect with question and scale.

    Args:
        task: one of TASKS.
        aspects: what is asked of each sound, or, in battles, beside the verdict.
        rubric: of a MOS test, one of RUBRICS.
        half_steps: whether scores between two steps are allowed.
    """
    lines = [*LINES[task], *LISTEN]
    if half_steps:
        lines.insert(len(LINES[task]), "Between two steps, take the half.")
    told = {
        aspect: {
            "title": QUESTIONS[task][aspect][0],
            "question": QUESTIONS[task][aspect][1],
            "scale": [
                {"value": value, "says": says} for value, says in scale_of(task, aspect, rubric)
            ],
        }
        for aspect in aspects
    }
    found = {"heading": HEADINGS[task], "lines": lines, "aspects": told}
    if task == "pairwise":
        found["outcomes"] = [{"value": value, "says": says} for value, says in OUTCOMES]
    return found


def scale_of(task: str, aspect: str, rubric: str | None) -> Sequence[tuple[Any, str]]:
    """The values of an aspect that have words, each with its words."""
    if task == "pairwise":
        return OUTCOMES[:3]
    if task in LABELS:
        return LABELS[task]
    if task == "ovl_rel":
        return HUNDRED[aspect]
    return QUALITY if aspect == "quality" else ALIGNMENT[rubric or "general"]
