"""What to compare an aligned model on: the studio's own prompts, without those that it learned from."""

from collections.abc import Sequence

from studio.services.prompt_sets import known_rows, prompts_of

EMBEDDED = "embedded"  # bases whose names begin so live in the sound world
SETS = ("integrity", "temporal")  # both failures that BATON mends (papers/baton.txt, section 4.1)
OTHER_SETS = ("demanding",)  # for bases of other worlds


def held_out_prompts(base: str, learned: Sequence[str], most: int) -> list[str]:
    """Prompts of which none was learned from, in their own words or in others.

    Of the sound world a prompt is also left out when its events together were learned from: another
    wording or another order of them is not new.

    Args:
        base: the model that was aligned.
        learned: the prompts that it learned from.
        most: how many at most.
    """
    is_ours = base.startswith(EMBEDDED)
    met, groups = {plainly(text) for text in learned}, events_in(learned) if is_ours else set()
    rows = known_rows()
    found = []
    for text in [text for name in (SETS if is_ours else OTHER_SETS) for text in prompts_of(name)]:
        labels = frozenset(rows[" ".join(text.split())].get("labels", []))
        if plainly(text) not in met and labels not in groups:
            found.append(text)
    return found[:most]


def events_in(prompts: Sequence[str]) -> set[frozenset[str]]:
    """The events that each prompt names together, where it names two or more."""
    from pipelines.soundworld.captions import read_caption

    groups = {frozenset(read_caption(text).labels) for text in prompts}
    return {group for group in groups if len(group) > 1}


def plainly(prompt: str) -> str:
    """The words of a prompt, however they are spaced and capitalised."""
    return " ".join(prompt.casefold().split())
