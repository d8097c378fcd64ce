"""Which battles a campaign allows, and which comes next."""

from collections import Counter

import numpy as np

from pipelines.vote.battles import Tally
from pipelines.vote.ratings import rate
from studio.services.vote.matches import Matches
from studio.store.campaigns import DEGRADED, CampaignClip


def matches(systems=3, prompts=4, takes=1, *, gold=0.0, same_system=0.0) -> Matches:
    """Of systems s0, s1, …; each sound of s0 has a degraded twin."""
    named = [f"s{number}" for number in range(systems)]
    clips = [
        CampaignClip(
            campaign="c",
            prompt=prompt,
            system=system,
            take=take,
            clip="00",
            source="00",
            candidate=None,
            measures={},
        )
        for prompt in range(prompts)
        for system in (*named, named[0] + DEGRADED)
        for take in range(takes)
    ]
    wishes = {"systems": [{"name": n} for n in named], "gold": gold, "same_system": same_system}
    return Matches(wishes, clips)


def no_votes(systems=3):
    """The ratings before the first vote."""
    empty = np.zeros((systems, systems))
    named = tuple(f"s{number}" for number in range(systems))
    return rate(
        Tally(systems=named, games=np.zeros((systems, systems, 3)), both_bad=empty, skipped=0)
    )


def test_what_may_meet():
    """3 systems, 4 prompts, 2 takes: 3 pairs x 8, one pair of takes x 12, 8 twins: 44."""
    found = Counter(matches(takes=2).kinds)
    assert found == {"ab": 24, "same_system": 12, "gold": 8}


def test_gold_and_same_system_battles_come_at_their_rates():
    """Rates 0.3 and 0.2 over 200 servings: 60 and 40 expected, 3 standard deviations are 20, 17."""
    field = matches(prompts=60, takes=2, gold=0.3, same_system=0.2)
    kinds, answers, nothing = Counter(), Counter(), np.zeros(len(field), dtype=np.int64)
    for seed in range(200):
        battle = field.next(nothing, [], range(60), no_votes(), seed)
        kinds[battle.kind] += 1
        if battle.kind == "gold":
            spoiled = [sound[1].endswith(DEGRADED) for sound in (battle.a, battle.b)]
            assert sorted(spoiled) == [False, True] and not spoiled[battle.answer]
            answers[battle.answer] += 1
        if battle.kind == "same_system":
            assert battle.a[1] == battle.b[1] and battle.a[2] != battle.b[2]
    assert abs(kinds["gold"] - 60) < 20 and abs(kinds["same_system"] - 40) < 17
    assert min(answers.values()) > 15  # the spoiled sound is on either side


def test_the_same_seed_shows_the_same():
    field = matches()
    nothing = np.zeros(len(field), dtype=np.int64)
    assert len({field.next(nothing, [], range(4), no_votes(), 7) for _ in range(3)}) == 1
    assert len({field.next(nothing, [], range(4), no_votes(), seed) for seed in range(9)}) > 3


def test_only_what_is_left_is_shown():
    """Judged battles and satisfied prompts are left out; with nothing left there is no battle."""
    field = matches()
    nothing, ratings = np.zeros(len(field), dtype=np.int64), no_votes()
    for seed in range(20):
        assert field.next(nothing, [], [2], ratings, seed).a[0] == 2
    last = [place for place, kind in enumerate(field.kinds) if kind == "ab"][-1]
    others = [place for place in range(len(field)) if place != last]
    battle = field.next(nothing, others, range(4), ratings, 1)
    assert frozenset((battle.a, battle.b)) == frozenset(field.sounds[last])
    assert field.next(nothing, range(len(field)), range(4), ratings, 1) is None
    assert field.next(nothing, [], [], ratings, 1) is None


def test_what_was_served_least_comes_first():
    """Of each pair one battle was never shown: that one comes, whichever pair is drawn."""
    field = matches(prompts=6)
    served = np.ones(len(field), dtype=np.int64)
    fresh = {}
    for place, (group, kind) in enumerate(zip(field.group, field.kinds, strict=True)):
        if kind == "ab" and group not in fresh and place % 6 == 3:
            fresh[group] = place
            served[place] = 0
    assert len(fresh) == 3
    for seed in range(12):
        battle = field.next(served, [], range(6), no_votes(), seed)
        place = field.place[frozenset((battle.a, battle.b))]
        assert place in fresh.values()
