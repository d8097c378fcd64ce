"""Voting as the service does it, on SQLite and PostgreSQL: what is served, proved, stored, refused."""

import secrets
import threading
import time
from collections import Counter

import pytest

from studio.refusals import Conflict, NotAllowed, Unknown
from studio.services.campaigns.passphrases import hashed
from studio.services.services import Services
from studio.store.campaigns import BUILDING, CLOSED
from studio.store.votes import ACCOUNT, SIMULATED
from tests.studio.ballots import ballot, joined, new_voter, scores, shown_to, undo
from tests.studio.sine_engines import SineEngines
from tests.studio.small_campaign import small_campaign


def test_a_voter_judges_all_there_is_and_is_told_so(either):
    """Three systems, four prompts, one take: 12 battles, each shown once, sides and pairs mixed."""
    campaign = small_campaign(either.store, votes_wanted=9)
    voter, seen = joined(either, campaign), Counter()
    while "serving" in (answer := either.voting.next(campaign, voter)):
        serving = answer["serving"]
        stored = either.store.servings.get(serving["id"])
        seen[(serving["prompt"], frozenset(clip.system for clip in stored.clips))] += 1
        told = either.voting.cast(ballot(serving), voter)
        assert told["progress"]["mine"] == serving["position"] == sum(seen.values())
    assert len(seen) == 12 and set(seen.values()) == {1}
    assert answer["done"] == "You have judged all there was for you. Thank you!"
    assert answer["progress"] == {"mine": 12, "of": 12, "votes": 12, "wanted": 36}


def test_a_campaign_ends_when_it_has_its_votes(either):
    campaign = small_campaign(either.store, prompts=2, votes_wanted=1)
    voter = joined(either, campaign)
    for _ in range(2):
        either.voting.cast(ballot(shown_to(either, campaign, voter)), voter)
    assert "has all the votes" in either.voting.next(campaign, voter)["done"]
    assert "has all the votes" in either.voting.next(campaign, joined(either, campaign))["done"]


def test_many_voters_share_the_battles_evenly(either):
    """24 voters at once, none has voted yet: the 12 battles are out twice each."""
    campaign = small_campaign(either.store, votes_wanted=50, gold=0, same_system=0)
    found = Counter()
    for _ in range(24):
        voter = joined(either, campaign)
        serving = either.store.servings.get(shown_to(either, campaign, voter)["id"])
        found[(serving.prompt, frozenset(clip.system for clip in serving.clips))] += 1
    by_pair = Counter()
    for (_, pair), count in found.items():
        by_pair[pair] += count
    for (_, pair), count in found.items():  # of one pair every prompt nearly equally often
        assert abs(count - by_pair[pair] / 4) < 1


@pytest.mark.parametrize(("task", "sounds", "items"), [("integrity", 5, 12), ("temporal", 5, 12)])
def test_labels_show_all_takes_of_one_system(either, task, sounds, items):
    campaign = small_campaign(either.store, task, takes=5)
    voter = joined(either, campaign)
    assert either.voting.progress(either.store.campaigns.get(campaign), voter)["of"] == items
    serving = shown_to(either, campaign, voter)
    stored = either.store.servings.get(serving["id"])
    assert len({clip.system for clip in stored.clips}) == 1
    assert sorted(clip.take for clip in stored.clips) == list(range(sounds))
    labels = [{"place": p, "aspect": task, "value": v} for p, v in enumerate([1, 0, None, 1, 0])]
    either.voting.cast(ballot(serving, outcome=None, scores=labels), voter)
    vote = either.store.votes.live(serving["id"])
    assert [value for _, _, value in vote.scores] == [1.0, 0.0, None, 1.0, 0.0]
    assert (vote.system_a, vote.take_a, vote.outcome) == (stored.clips[0].system, None, None)


@pytest.mark.parametrize("task", ["mos", "ovl_rel"])
def test_scores_show_all_systems_of_one_prompt_in_random_order(either, task):
    campaign = small_campaign(either.store, task, systems=4, prompts=8, votes_wanted=99)
    orders, aspects = Counter(), either.store.campaigns.get(campaign).definition["aspects"]
    voter = joined(either, campaign)
    while "serving" in (answer := either.voting.next(campaign, voter)):
        serving = answer["serving"]
        stored = either.store.servings.get(serving["id"])
        assert sorted(clip.system for clip in stored.clips) == ["s0", "s1", "s2", "s3"]
        orders[tuple(clip.system for clip in stored.clips)] += 1
        sent = ballot(serving, outcome=None, scores=scores(serving, aspects, 3))
        either.voting.cast(sent, voter)
    assert sum(orders.values()) == 8 and len(orders) > 3


def test_items_with_the_fewest_votes_come_first(either):
    """Six voters, three items: each item is out twice."""
    campaign = small_campaign(either.store, "ovl_rel", prompts=3)
    found = Counter(
        shown_to(either, campaign, joined(either, campaign))["prompt"] for _ in range(6)
    )
    assert set(found.values()) == {2}


def test_most_per_voter_ends_a_sitting(either):
    campaign = small_campaign(either.store, most_per_voter=1)
    voter = joined(either, campaign)
    either.voting.cast(ballot(shown_to(either, campaign, voter)), voter)
    assert "all there was for you" in either.voting.next(campaign, voter)["done"]


def test_a_reload_finds_the_same_sounds_and_the_draft(either):
    campaign = small_campaign(either.store, "ovl_rel")
    voter = joined(either, campaign)
    first = shown_to(either, campaign, voter)
    either.voting.draft(first["id"], voter, {"scores": [50, None]})
    again = shown_to(either, campaign, voter)
    assert again == {**first, "draft": {"scores": [50, None]}}


def test_two_windows_get_one_serving(either):
    """Sixteen requests of one voter at once: one serving is made."""
    campaign, told = small_campaign(either.store), []
    voter = joined(either, campaign)

    def ask() -> None:
        told.append(shown_to(either, campaign, voter)["id"])

    crowd = [threading.Thread(target=ask) for _ in range(16)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert len(told) == 16 and len(set(told)) == 1


def test_a_restart_in_the_middle_changes_nothing(either):
    """A second studio on the same store: same serving, same answer to the same vote, same counts."""
    campaign = small_campaign(either.store, votes_wanted=9)
    voter = joined(either, campaign)
    serving = shown_to(either, campaign, voter)
    sent = ballot(serving)
    told = either.voting.cast(sent, voter)
    waiting = shown_to(either, campaign, voter)
    later = Services(either.config, SineEngines(either.config))
    try:
        assert later.voting.cast(sent, voter) == told
        assert shown_to(later, campaign, voter) == waiting
        later.voting.cast(ballot(waiting), voter)
    finally:
        later.close()
    found = either.voting.progress(either.store.campaigns.get(campaign), voter)
    assert (found["mine"], found["votes"]) == (2, 2)  # the first studio sees the other's vote


def test_undo_gives_the_same_sounds_back(either):
    campaign = small_campaign(either.store)
    voter = joined(either, campaign)
    first = shown_to(either, campaign, voter)
    either.voting.cast(ballot(first), voter)
    second = shown_to(either, campaign, voter)
    last = either.voting.last(campaign, voter)["serving"]
    assert (last["id"], last["vote"]["outcome"]) == (first["id"], "a") and second["id"] != last[
        "id"
    ]
    told = either.voting.cast(undo(last), voter)
    assert (told["revision"], told["progress"]["mine"], told["progress"]["votes"]) == (1, 0, 0)
    assert shown_to(either, campaign, voter)["id"] == first["id"]
    assert either.voting.cast(ballot(first, outcome="tie"), voter)["revision"] == 2


def test_reveal_names_the_systems_in_the_order_shown_and_locks(either):
    campaign = small_campaign(either.store)
    voter = joined(either, campaign)
    serving = shown_to(either, campaign, voter)
    with pytest.raises(Conflict, match="named after the vote"):
        either.voting.reveal(serving["id"], voter)
    either.voting.cast(ballot(serving), voter)
    stored = either.store.servings.get(serving["id"])
    told = either.voting.reveal(serving["id"], voter)["systems"]
    assert [one["name"] for one in told] == [clip.system for clip in stored.clips]
    with pytest.raises(Conflict, match="stays as it is"):
        either.voting.cast(undo(serving), voter)
    assert either.voting.last(campaign, voter)["serving"]["vote"]["is_revealed"]


def test_a_campaign_that_never_reveals_does_not(either):
    campaign = small_campaign(either.store, reveals="never")
    voter = joined(either, campaign)
    serving = shown_to(either, campaign, voter)
    either.voting.cast(ballot(serving), voter)
    with pytest.raises(Conflict, match="does not name"):
        either.voting.reveal(serving["id"], voter)
    assert either.voting.cast(undo(serving), voter)["revision"] == 1


def test_listening_is_proved_by_our_own_clock(either):
    """0.2 s each, half to be heard: not fetched, too soon, claimed too little, then enough."""
    campaign = small_campaign(either.store, seconds=0.2, heard_share=0.5)
    voter = joined(either, campaign)
    serving = shown_to(either, campaign, voter)
    assert serving["needs_ms"] == [100, 100]
    with pytest.raises(Conflict, match="Sound A was not played yet"):
        either.voting.cast(ballot(serving), voter)
    tokens = [sound["token"] for sound in serving["sounds"]]
    assert either.voting.sound(tokens[0], voter)[:4] == b"RIFF"
    with pytest.raises(Conflict, match="Sound B was not played yet"):
        either.voting.cast(ballot(serving), voter)
    either.voting.sound(tokens[1], voter)
    with pytest.raises(Conflict, match="0.0 s of Sound B were played"):
        either.voting.cast(ballot(serving, heard=[200, 20]), voter)
    time.sleep(0.16)
    assert either.voting.cast(ballot(serving), voter)["revision"] == 0


def test_a_skip_needs_no_listening(either):
    campaign = small_campaign(either.store, heard_share=1.0)
    voter = joined(either, campaign)
    told = either.voting.cast(
        ballot(shown_to(either, campaign, voter), outcome="skip", heard=[0, 0]), voter
    )
    assert (told["progress"]["mine"], told["progress"]["votes"]) == (1, 0)


def test_who_may_not_is_refused(either):
    """Not joined, another's serving, another's sound, a wrong nonce, nobody's campaign."""
    campaign = small_campaign(either.store)
    voter, stranger = joined(either, campaign), new_voter()
    serving = shown_to(either, campaign, voter)
    with pytest.raises(NotAllowed, match="join it first"):
        either.voting.next(campaign, stranger)
    with pytest.raises(Unknown, match="not put before you"):
        either.voting.cast(ballot(serving), stranger)
    with pytest.raises(Unknown, match="no such sound"):
        either.voting.sound(serving["sounds"][0]["token"], stranger)
    with pytest.raises(NotAllowed, match="nonce"):
        either.voting.cast(ballot(serving, nonce="0" * 32), voter)
    with pytest.raises(Unknown, match="no such campaign"):
        either.voting.join("../etc/passwd\x00", voter)
    assert either.store.votes.live_votes(campaign) == []


def test_a_passphrase_opens_a_campaign_once(either):
    campaign = small_campaign(
        either.store, who="passphrase", passphrase=hashed("three small words")
    )
    found, voter = either.store.campaigns.get(campaign), new_voter()
    assert either.voting.needs(found, voter) == "passphrase"
    with pytest.raises(NotAllowed, match="not the passphrase"):
        either.voting.join(campaign, voter, "three big words")
    either.voting.join(campaign, voter, " three small words ")
    either.voting.join(campaign, voter)
    assert either.voting.needs(found, voter) is None


def test_a_campaign_for_accounts_takes_accounts_alone(either):
    campaign = small_campaign(either.store, who="account")
    with pytest.raises(NotAllowed, match="sign in"):
        either.voting.join(campaign, new_voter())
    assert either.voting.needs(either.store.campaigns.get(campaign), new_voter()) == "account"
    assert joined(either, campaign, ACCOUNT)


def test_people_and_simulated_listeners_are_kept_apart(either):
    people = small_campaign(either.store)
    simulated = small_campaign(either.store, voters="simulated", heard_share=1.0)
    with pytest.raises(NotAllowed, match="kept apart"):
        either.voting.join(people, new_voter(SIMULATED))
    with pytest.raises(NotAllowed, match="Only simulated"):
        either.voting.join(simulated, new_voter())
    voter = joined(either, simulated, SIMULATED)
    told = either.voting.cast(
        ballot(shown_to(either, simulated, voter), heard=[0, 0]), voter
    )  # no proof of listening is asked of them
    assert told["revision"] == 0


def test_annotators_of_the_two_label_tasks_are_kept_apart(either):
    """Within one study only, and only once there is a vote."""
    study = secrets.token_hex(4)
    first = small_campaign(either.store, "integrity", takes=2, study=study)
    second = small_campaign(either.store, "temporal", takes=2, study=study)
    other = small_campaign(either.store, "temporal", takes=2, study="another")
    voter = joined(either, first)
    either.voting.join(second, voter)
    serving = shown_to(either, first, voter)
    sent = ballot(serving, outcome=None, scores=scores(serving, ["integrity"]))
    either.voting.cast(sent, voter)
    either.voting.join(other, voter)
    for act in (either.voting.join, either.voting.next):
        with pytest.raises(NotAllowed, match="You judged integrity in this study"):
            act(second, voter)


@pytest.mark.parametrize("status", [CLOSED, BUILDING])
def test_only_an_open_campaign_takes_anything(either, status):
    campaign = small_campaign(either.store)
    voter = joined(either, campaign)
    serving = shown_to(either, campaign, voter)
    sent = ballot(serving)
    told = either.voting.cast(sent, voter)
    later = shown_to(either, campaign, voter)
    either.store.campaigns.say(campaign, status)
    voting, token = either.voting, later["sounds"][0]["token"]
    for act in (
        lambda: voting.join(campaign, new_voter()),
        lambda: voting.next(campaign, voter),
        lambda: voting.last(campaign, voter),
        lambda: voting.cast(ballot(later), voter),
        lambda: voting.cast(undo(serving), voter),
        lambda: voting.draft(later["id"], voter, 1),
        lambda: voting.reveal(serving["id"], voter),
        lambda: voting.sound(token, voter),
    ):
        with pytest.raises(Conflict, match=f"This campaign is {status}"):
            act()
    assert voting.cast(sent, voter) == told  # a vote that is stored is said to be stored


def test_forgotten_voters_stay_away(either):
    """Their name is refused everywhere; counts begin anew without them."""
    campaign = small_campaign(either.store)
    voter = joined(either, campaign)
    with either.store.database.write() as rows:
        rows.exec_driver_sql(f"delete from joins where voter = '{voter.id}'")
        rows.exec_driver_sql(
            f"insert into forgotten (voter, created_at) values ('{voter.id}', 'now')"
        )
    for act in (either.voting.join, either.voting.next):
        with pytest.raises(NotAllowed, match="Your votes were deleted"):
            act(campaign, voter)


def test_words_that_no_database_takes_are_mended(either):
    campaign = small_campaign(either.store)
    voter = joined(either, campaign)
    serving = shown_to(either, campaign, voter)
    either.voting.cast(ballot(serving, reason="a\x00b \ud800 <b>${x}</b>"), voter)
    assert either.store.votes.live(serving["id"]).reason == "ab ? <b>${x}</b>"
