import json

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from pipelines.errors import StudioError
from pipelines.loudness import integrated_lufs
from studio.refusals import Conflict, NotAllowed, Unknown
from studio.routes import routes
from studio.services.campaigns.build import gold_places, places_of, plan_of
from studio.services.services import Services
from studio.store.campaigns import DEGRADED
from studio.store.jobs import WAITING
from studio.visitors import HERE
from tests.studio.ballots import ballot, joined, new_voter, shown_to
from tests.studio.campaigning import DOG, ask_campaign, made_campaign
from tests.studio.sine_engines import SineEngines
from tests.studio.small_campaign import small_campaign

OTHER = "f" * 32


def test_a_campaign_is_made_by_a_job_and_then_open(either, work):
    """Two prompts, two systems, two takes, and spoiled twins; nothing is made before the job."""
    campaign = ask_campaign(either, f"{DOG}\nrain falls")
    found = either.campaigns.view(campaign, HERE)
    assert (found["status"], found["said"], found["share_made"]) == (
        "building", "waiting for its turn", 0.0,
    )  # fmt: skip
    assert found["progress"] == {"mine": 0, "of": 0, "votes": 0, "wanted": 20}
    work(either)
    found = either.campaigns.view(campaign, HERE)
    assert (found["status"], found["said"], found["share_made"]) == ("open", "", None)
    clips = either.store.campaigns.clips(campaign)
    clean = [clip for clip in clips if not clip.system.endswith(DEGRADED)]
    assert len(clean) == 8 and len(clips) == 16
    assert {(c.prompt, c.system, c.take) for c in clean} == {
        (p, s, t) for p in (0, 1) for s in ("embedded", "embedded-clean") for t in (0, 1)
    }
    assert len({clip.clip for clip in clips}) == 16
    made = either.store.candidates.find([clip.candidate for clip in clean])
    assert [one.clip for one in made] == [clip.source for clip in clean]


def test_what_is_played_is_alike(services, work):
    """All clips of a prompt, twins too: equally loud, as long, with the gain stored."""
    found = made_campaign(services, work)
    heard, sizes = [], set()
    for clip in services.store.campaigns.clips(found["id"]):
        audio, rate = services.store.clips.read(clip.clip)
        heard.append(integrated_lufs(audio, rate))
        sizes.add((audio.shape, rate, services.store.clips.path(clip.clip).stat().st_size))
        source, _ = services.store.clips.read(clip.source)
        if not clip.system.endswith(DEGRADED):
            raised = abs(audio).max() / abs(source).max()
            assert raised == pytest.approx(10 ** (clip.measures["gain_db"] / 20), rel=0.01)
    assert max(heard) - min(heard) < 0.1
    assert len(sizes) == 1


def test_a_take_has_the_same_noise_in_every_system(services, work):
    """Seed by prompt and take, the same for both; so pairs differ by the system alone."""
    found = made_campaign(services, work, f"{DOG}\nrain falls")
    seeds = {}
    for clip in services.store.campaigns.clips(found["id"]):
        [made] = services.store.candidates.find([clip.candidate])
        seeds.setdefault((clip.prompt, clip.take), set()).add(made.settings.seed)
    assert seeds == {(0, 0): {7}, (0, 1): {8}, (1, 0): {9}, (1, 1): {10}}


def test_same_again_works_for_a_sound_of_a_campaign(services, work):
    """It is made anew in the batch of its first time, byte for byte."""
    found = made_campaign(services, work, f"{DOG}\nrain falls")
    clip = services.store.campaigns.clips(found["id"])[-1]
    again = services.same_again(HERE, clip.candidate)
    work(services)
    assert "byte for byte" in services.views.job(again, HERE)["notices"][0]


def test_a_killed_studio_goes_on_where_it_was(config, work):
    """The process dies in the middle of making; the next one makes the rest and opens it."""
    first = Services(config, SineEngines(config))
    campaign = ask_campaign(first, [f"dog {n}" for n in range(6)], seconds=0.5)
    for _ in range(2):
        first.worker.run_next()
    assert len(first.store.jobs.positions(campaign)) == 2
    first.store.jobs.change(campaign, status="running", worker="gone:1:x")
    first.close()
    second = Services(config, SineEngines(config))
    second.store.jobs.put_back_orphans(dead_workers=["gone:1:x"])
    work(second)
    assert second.campaigns.view(campaign, HERE)["status"] == "open"
    assert len(second.store.jobs.positions(campaign)) == 24
    second.close()


def test_levelling_goes_on_after_a_stop(services, work, monkeypatch):
    """Prompts that are done are not done again."""
    campaign = ask_campaign(services, f"{DOG}\nrain falls\na dog", gold=0)
    for _ in range(3):
        services.worker.run_next()
    from studio.services.campaigns import build

    level, calls = build.CampaignBuild._level, []

    def breaking(self, job, places, made):
        calls.append(places[0][0])
        if len(calls) == 2:
            raise StudioError("The clip could not be kept (no room); free some disk space.")
        level(self, job, places, made)

    monkeypatch.setattr(build.CampaignBuild, "_level", breaking)
    work(services)
    found = services.campaigns.view(campaign, HERE)
    assert (found["status"], calls) == ("failed", [0, 1])
    assert found["said"].startswith("The clip could not be kept")
    services.campaigns.open(HERE, campaign)
    work(services)
    assert services.campaigns.view(campaign, HERE)["status"] == "open"
    assert calls == [0, 1, 1, 2]


def test_a_model_that_is_not_there_fails_aloud(services, work):
    """The sentence is in the view, and in the event that a backup keeps."""
    found = made_campaign(services, work, systems=["embedded", "broken"])
    assert found["status"] == "failed"
    assert found["said"] == "The checkpoint of broken cannot be read; copy it again."
    assert services.store.campaigns.get(found["id"]).status == "failed"
    with pytest.raises(StudioError, match="There is no model '/etc'; choose from"):
        ask_campaign(services, systems=["embedded", "/etc"])


def test_sounds_that_others_wait_for_go_first(services, monkeypatch):
    """A run that is asked for meanwhile is made and scored between two batches."""
    monkeypatch.setattr("studio.services.generate.batches.BATCH", 2)
    campaign = ask_campaign(services, [f"dog {n}" for n in range(6)], takes=1, seconds=0.5)
    for _ in range(2):
        services.worker.run_next()
    run = services.generate(HERE, services.check("rain", seconds=1))
    services.worker.run_next()
    services.worker.run_next()
    assert services.views.job(run, HERE)["status"] == "done"
    assert services.campaigns.view(campaign, HERE)["status"] == "building"


def test_unknown_words_are_said_to_the_owner_alone(services, work):
    """As Generate does; a voter is not told what a model cannot do."""
    found = made_campaign(services, work, "a zebra barks", owner=HERE)
    assert any("“zebra”" in notice for notice in found["notices"])
    seen = services.campaigns.view(found["id"], OTHER)
    assert "notices" not in seen


def test_silence_is_said(services, work, monkeypatch):
    """Sounds that cannot be made as loud as the rest are counted in a notice."""
    sound = "tests.studio.sine_engines.sound"
    silent = lambda p, s: __import__("numpy").zeros((1, 8000), "float32")  # noqa: E731
    monkeypatch.setattr(sound, silent)
    found = made_campaign(services, work, gold=0)
    assert found["status"] == "open"
    assert found["notices"][-1] == (
        "4 of 4 sounds could not be made as loud as the others; the first is of prompt 1: It is "
        "silent."
    )


def test_others_see_no_system(services, work):
    """Titles, names and settings of systems are for the owner; the link too."""
    mine = made_campaign(services, work, is_listed=True)
    theirs = services.campaigns.view(mine["id"], OTHER)
    assert (mine["is_mine"], theirs["is_mine"]) == (True, False)
    assert set(mine) - set(theirs) == {"systems", "link", "notices", "comparison"}
    told = json.dumps({**theirs, "title": ""})
    assert not any(word in told.lower() for word in ("embedded", "sine", "clean"))
    assert mine["link"] == f"/?campaign={mine['id']}"


def test_lists_hold_the_listed_and_ones_own(services):
    """The newest first; who has the link sees any."""
    hidden = small_campaign(services.store, owner=OTHER, is_listed=False)
    open_to_all = small_campaign(services.store, owner=OTHER, is_listed=True)
    own = small_campaign(services.store, is_listed=False)
    assert [one["id"] for one in services.campaigns.listing(HERE)] == [own, open_to_all]
    assert services.campaigns.view(hidden, HERE)["id"] == hidden
    with pytest.raises(Unknown, match="no such campaign here"):
        services.campaigns.view("0" * 32, HERE)


def test_closing_and_opening(either, work):
    """By the owner alone; twice is a conflict; while it is made, closing stops the making."""
    campaign = small_campaign(either.store)
    with pytest.raises(NotAllowed, match="Only who made this campaign"):
        either.campaigns.close(OTHER, campaign)
    either.campaigns.close(HERE, campaign)
    assert either.campaigns.view(campaign, HERE)["status"] == "closed"
    with pytest.raises(Conflict, match="closed already"):
        either.campaigns.close(HERE, campaign)
    either.campaigns.open(HERE, campaign)
    with pytest.raises(Conflict, match="open already"):
        either.campaigns.open(HERE, campaign)

    unmade = ask_campaign(either)
    either.campaigns.close(HERE, unmade)
    work(either)
    assert either.store.campaigns.clips(unmade) == []
    assert either.campaigns.view(unmade, HERE)["status"] == "closed"
    either.campaigns.open(HERE, unmade)
    assert either.store.jobs.get(unmade).status == WAITING
    work(either)
    assert either.campaigns.view(unmade, HERE)["status"] == "open"


def test_a_campaign_without_votes_can_be_removed(either, work):
    """By the owner alone; it is on no list and has no door any more, and its making stops."""
    campaign = ask_campaign(either)
    with pytest.raises(NotAllowed, match="Only who made this campaign"):
        either.campaigns.remove(OTHER, campaign)
    either.campaigns.remove(HERE, campaign)
    work(either)
    assert either.store.campaigns.clips(campaign) == []
    assert campaign not in [one["id"] for one in either.campaigns.listing(HERE)]
    for ask in (either.campaigns.view, either.campaigns.remove):
        with pytest.raises(Unknown, match="no such campaign"):
            ask(*((campaign, HERE) if ask == either.campaigns.view else (HERE, campaign)))
    with pytest.raises(Unknown, match="no such campaign"):
        either.voting.join(campaign, new_voter())


def test_a_campaign_with_votes_is_never_removed(either):
    """Not even with one that was taken back."""
    campaign = small_campaign(either.store)
    voter = joined(either, campaign)
    either.voting.cast(ballot(shown_to(either, campaign, voter), outcome="skip"), voter)
    with pytest.raises(Conflict, match="has 1 vote, skips and undone among them"):
        either.campaigns.remove(HERE, campaign)
    assert either.campaigns.view(campaign, HERE)["status"] == "open"


def test_a_campaign_of_a_backup_can_be_finished(services, work):
    """Its job did not come along: the view says so, and opening it makes what is missing."""
    definition = services.campaigns.check(DOG, template="pairwise", systems=["embedded", "embedded-clean"],
                                          seconds=1).plain()  # fmt: skip
    found = services.store.campaigns.add(HERE, definition)
    view = services.campaigns.view(found.id, HERE)
    assert (view["status"], view["share_made"]) == ("failed", None)
    assert "interrupted; open it" in view["said"]
    services.campaigns.open(HERE, found.id)
    work(services)
    assert services.campaigns.view(found.id, HERE)["status"] == "open"
    imported = small_campaign(services.store, origin={"campaign": "x"})
    services.campaigns.close(HERE, imported)
    with pytest.raises(Conflict, match="imported and is for reading"):
        services.campaigns.open(HERE, imported)


def test_gold_twins_are_enough_for_their_rate():
    """20 prompts, 3 systems, 2 takes: 120 battles, 5 in 90 of them gold: 7, but at least 10.

    100 prompts: 600 battles and 34 twins, spread over prompts; the same for the same seed.
    """

    def twins(prompts, gold=0.05, seed=1):
        return gold_places({
            "systems": [{"name": name} for name in "abc"], "prompts": [{}] * prompts, "takes": 2,
            "gold": gold, "same_system": 0.05, "seed": seed,
        })  # fmt: skip

    assert len(twins(20)) == 10
    assert len(twins(100)) == 34
    assert len({prompt for prompt, *_ in twins(100)}) > 20
    assert twins(100) == twins(100) != twins(100, seed=2)
    assert twins(20, gold=0) == set()
    assert len(twins(1)) == 6


def test_the_plan_is_all_that_decides_the_sounds(services):
    """No title, no passphrase, no voter in the job table."""
    request = services.campaigns.check(DOG, task="pairwise", systems=["embedded", "embedded-clean"],
                                       who="passphrase", passphrase="open sesame")  # fmt: skip
    plan = plan_of("c", request.plain(), {})
    assert set(plan) == {"campaign", "prompts", "systems", "takes", "seed", "gold", "same_system",
                         "sources"}  # fmt: skip
    assert len(places_of(plan)[0]) == 8


def test_the_routes(services, work):
    """List, one, close, open; a stranger's faults with their status."""
    client = TestClient(Starlette(routes=routes(services)))
    found = made_campaign(services, work)["id"]
    listed = client.get("/studio/campaigns").json()["campaigns"]
    assert [one["id"] for one in listed] == [found]
    assert client.get(f"/studio/campaigns/{found}").json()["rules"]["heading"]
    assert client.post(f"/studio/campaigns/{found}/close").json()["status"] == "closed"
    again = client.post(f"/studio/campaigns/{found}/close")
    assert (again.status_code, again.json()["error"]) == (409, "This campaign is closed already.")
    assert client.post(f"/studio/campaigns/{found}/open").json()["status"] == "open"
    assert client.get("/studio/campaigns/nothing").status_code == 404
    assert client.get(f"/studio/campaigns/{found}/close").status_code == 405
