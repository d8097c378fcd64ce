"""A comparison put to a blind vote: its own sounds, fair, in an order that tells nothing."""

import pytest

from pipelines.errors import StudioError
from studio.config import Config
from studio.refusals import NotAllowed
from studio.services.services import Services
from studio.visitors import HERE
from tests.studio.comparing import DOG, TWO, ask, compared, note_batches
from tests.studio.sine_engines import SineEngines
from tests.studio.test_page import client_of

WORDS = [f"{DOG} {n}" for n in range(6)]


def test_one_call_makes_a_campaign_of_the_sounds_that_are_there(services, work):
    """Both sides of every pair, nothing made anew, levelled, gold among them, and the way back."""
    comparison = compared(services, work, WORDS, seed=5)
    asked = note_batches(services)
    made = services.battles.open(HERE, comparison["id"])
    work(services)
    assert asked == []
    view = services.campaigns.view(made["campaign"], HERE)
    assert (view["status"], view["task"], view["items"]) == ("open", "pairwise", 6)
    assert view["comparison"] == comparison["id"]
    assert view["link"] == made["link"] == f"/?campaign={made['campaign']}"
    assert [one["title"] for one in view["systems"]] == ["Sine", "Clean sine"]

    sounds = {
        (pair["prompt"], system["name"]): pair[side]["id"]
        for pair in comparison["pairs"]
        for side, system in zip("ab", view["systems"], strict=True)
    }
    texts = [
        row["text"] for row in services.store.campaigns.get(made["campaign"]).definition["prompts"]
    ]
    assert sorted(texts) == WORDS
    clean = [c for c in services.store.campaigns.clips(made["campaign"]) if "#" not in c.system]
    assert {(texts[c.prompt], c.system): c.candidate for c in clean} == sounds
    assert len(services.store.campaigns.clips(made["campaign"])) > len(clean)  # spoiled twins
    assert services.results.view(made["campaign"], HERE)["comparison"] == comparison["id"]
    [told] = services.battles.of(HERE, comparison["id"])
    assert (told["id"], told["votes"], told["wanted"]) == (made["campaign"], 0, 6)


def test_a_voter_is_told_neither_the_sides_nor_the_comparison(config, work):
    """What a stranger gets of the campaign names no system and no way to the comparison."""
    public = Services(Config(data=config.data, on_space=True), SineEngines(config))
    owner = "a" * 32
    comparison = public.compare(owner, public.check_comparison(WORDS, **TWO, seconds=1))
    work(public)
    mine = {"cookie": f"baton_visitor={owner}"}
    path = f"/studio/comparisons/{comparison}"
    made = client_of(public, is_shared=True).post(f"{path}/battle", headers=mine)
    assert made.status_code == 200, made.text
    work(public)
    guest, campaign = client_of(public, is_shared=True), made.json()["campaign"]
    seen = guest.get(f"/studio/campaigns/{campaign}").text
    seen += guest.get(f"/studio/results/{campaign}").text
    assert comparison not in seen and "Clean sine" not in seen and "embedded-clean" not in seen
    assert guest.get(f"{path}/battles").json() == {"battles": []}
    assert guest.post(f"{path}/battle").status_code == 403
    public.close()


def test_what_cannot_be_put_to_the_vote_says_why(services, work):
    """Unfinished, of one pair, or with wishes that a battle has not."""
    comparison = ask(services, WORDS)
    with pytest.raises(StudioError, match="still being made"):
        services.battles.open(HERE, comparison)
    work(services)
    with pytest.raises(NotAllowed, match="Only who made"):
        services.battles.open("b" * 32, comparison)
    one = compared(services, work, DOG)
    with pytest.raises(StudioError, match="has 1 whole pairs"):
        services.battles.open(HERE, one["id"])
    answer = client_of(services).post(
        f"/studio/comparisons/{comparison}/battle", json={"systems": ["x"]}
    )
    assert (answer.status_code, "A battle has no systems" in answer.text) == (400, True)
    assert services.battles.of(HERE, comparison) == []


def test_it_can_be_made_again_after_a_stop(services, work):
    """The plan names the candidates, so an interrupted battle is levelled when it is opened again."""
    comparison = compared(services, work, WORDS)
    made = services.battles.open(HERE, comparison["id"], votes_wanted=3)
    services.campaigns.close(HERE, made["campaign"])
    work(services)
    services.campaigns.open(HERE, made["campaign"])
    work(services)
    view = services.campaigns.view(made["campaign"], HERE)
    assert (view["status"], view["votes_wanted"]) == ("open", 3)
