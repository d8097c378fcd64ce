import functools

import pytest

from tests.studio.served import is_sentence, row_counts
from tests.studio.small_campaign import small_campaign


@pytest.fixture
def arena(strangers, nasty):
    """A campaign with nasty words in it, on a page for strangers; nobody's who asks."""
    return *strangers, nasty


@pytest.fixture
def visit(browse, nasty):
    """Opens browsers of voters."""
    return functools.partial(browse, campaign=nasty)


WRONG = {
    "no id": {"id": None},
    "an id that is a path": {"id": "../../etc/passwd"},
    "a truth value for ms": {"heard": [True, True]},
    "text for ms": {"heard": ["1", "2"]},
    "ms below nought": {"heard": [-1, 5]},
    "a number beyond floats": {"heard": [10**400, 5]},
    "a list for a number": {"decision_ms": [1]},
    "a truth value for a place": {"first_played": False},
    "another place": {"first_played": 7},
    "an unknown field": {"is_admin": True},
    "another voter": {"voter": "0" * 32},
    "an unknown outcome": {"outcome": "A'; drop table votes; --"},
    "an outcome that is a list": {"outcome": ["a"]},
    "an outcome that is an object": {"outcome": {}},
    "aspects that are a list": {"aspects": ["quality"]},
    "an aspect that is not asked": {"aspects": {"__proto__": "a"}},
    "an action that is none": {"action": "delete"},
    "an action that is a list": {"action": ["cast"]},
    "a reason that is a number": {"reason": 1},
    "a reason too long": {"reason": "x" * 1001},
    "an interface too long": {"interface": "x" * 81},
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_vote_that_is_wrong_is_refused_in_a_sentence(arena, visit, fault):
    """400, a sentence that ends, nothing stored, nothing of Python in it."""
    services, _, _ = arena
    voter = visit()
    serving = voter.next()
    before = row_counts(services.store) | {"hearings": 0}
    answer = voter.vote(serving, **WRONG[fault])
    assert answer.status_code == 400
    assert is_sentence(answer)
    assert row_counts(services.store) | {"hearings": 0} == before


def test_a_score_that_is_wrong_is_refused(arena, visit):
    """The same for the scores of a set, place and value by turns."""
    services, _, _ = arena
    campaign = scored(services)
    voter = visit(campaign=campaign)
    serving = voter.next()
    scores = [
        {"place": p, "aspect": aspect, "value": 3}
        for p in range(len(serving["sounds"]))
        for aspect in ("alignment", "quality")
    ]
    places = [{"place": one} for one in (True, 0.5, 9, -1, "0", None, 10**400, [0], {})]
    values = [{"value": one} for one in (True, "3", 2.5, -1, 6, 10**400, [3], {}, None)]
    for change in [*places, *values, {"aspect": ["alignment"]}, {"aspect": {}}]:
        wrong = {**scores[0], **change}
        answer = voter.vote(serving, outcome=None, scores=[wrong, *scores[1:]])
        assert answer.status_code == 400
        assert is_sentence(answer)
    assert voter.vote(serving, outcome=None, scores=scores).status_code == 200


def scored(services) -> str:
    """A MOS campaign, made once."""
    for found in services.store.campaigns.latest():
        if found.definition["task"] == "mos":
            return found.id
    return small_campaign(services.store, "mos", systems=2, prompts=1, votes_wanted=10_000)


BODIES = {
    "1 MB": (b'{"answer": "' + b"x" * 1_000_000 + b'"}', 413),
    "65 kB": (b'{"answer": "' + b"x" * 65_536 + b'"}', 413),
    "a draft of 9 kB": (b'{"answer": "' + b"x" * 9_000 + b'"}', 400),
    "deep lists": (b"[" * 60_000, 400),
    "deep lists in an object": (b'{"answer": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", 400),
    "deep objects": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
    "NaN": (b'{"answer": NaN}', 400),
    "Infinity": (b'{"answer": -Infinity}', 400),
    "a list": (b"[1]", 400),
    "a text": (b'"answer"', 400),
    "no JSON": (b"answer=1", 400),
    "not UTF-8": (b'{"answer": "\xff\xfe"}', 400),
    "an endless number": (b'{"answer": ' + b"9" * 5000 + b"}", 400),
    "half a surrogate": (b'{"answer": "\\ud800"}', 400),
    "a zero byte": (b'{"answer": "a\\u0000b"}', (200, 400)),
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_that_is_no_use_is_refused(arena, visit, kind):
    """Too long, too deep, no numbers, no object; and no body takes the page down."""
    content, status = BODIES[kind]
    voter = visit()
    path = f"/studio/vote/servings/{voter.next()['id']}/draft"
    answer = voter.client.post(path, content=content, headers={"content-type": "application/json"})
    assert answer.status_code in (status if isinstance(status, tuple) else (status,)), answer.text
    if answer.status_code != 200:
        assert is_sentence(answer)
    assert voter.next()["id"] in path
