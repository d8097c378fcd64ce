"""What a link to Compare fills in: prompts that the aligned model did not learn from."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from studio.services.compare.held_out import events_in, held_out_prompts
from studio.services.prompt_sets import prompts_of

ALL = [*prompts_of("integrity"), *prompts_of("temporal")]


def test_a_model_that_met_none_of_them_is_compared_on_both_sets():
    """Two events and three, in the order of the sets; never more than one may ask for."""
    assert held_out_prompts("embedded", [], 64) == ALL
    assert held_out_prompts("embedded", ["rain falls"], 7) == ALL[:7]


def test_what_was_learned_is_not_held_out_in_any_words():
    """A prompt in capitals goes, and so does one whose events were learned in another order."""
    first = ALL[0]
    assert held_out_prompts("embedded", [f"  {first.upper()} "], 64) == ALL[1:]
    assert events_in(["a person knocks and then an engine idles", "rain falls"]) == {
        frozenset({"Engine", "Knock"})
    }
    left = held_out_prompts("embedded", ["a person knocks and then an engine idles"], 64)
    assert first not in left and len(left) == len(ALL) - 1


def test_bases_of_other_worlds_are_compared_on_demanding_scenes():
    """By their words alone: their events have no names here."""
    demanding = prompts_of("demanding")
    assert held_out_prompts("tangoflux", [demanding[3]], 64) == demanding[:3] + demanding[4:]


@pytest.fixture
def adapters(services, monkeypatch):
    """Two aligned models, which learned from a prompt each."""
    learned = {"a" * 16: [ALL[0]], "b" * 16: [ALL[1]]}
    folders = {"embedded+one": Path("a" * 16), "embedded+two": Path("b" * 16)}
    found = SimpleNamespace(
        folder_of=folders.get, base_of=lambda name: "embedded", learned=learned.get
    )
    monkeypatch.setattr(services.engines, "adapters", found)


def test_two_aligned_models_are_compared_on_what_neither_met(services, adapters):
    """The base has met none of them; without an aligned model nothing is filled in."""
    held_out = services.comparisons.held_out
    assert held_out(["embedded", "embedded+one"]) == ALL[1:]
    assert held_out(["embedded+one", "embedded+two"]) == ALL[2:]
    assert held_out(["embedded", "gone"]) == held_out([]) == []
