import functools
import io
import itertools
import json
import re
import struct
from collections import Counter

import numpy as np
import pytest
import soundfile
from scipy.stats import chisquare

from pipelines.loudness import integrated_lufs
from studio.store.votes import PERSON
from studio.voters import Voter
from tests.studio.served import telling_folders
from tests.studio.small_campaign import small_campaign

SYSTEMS = ("Xylograph 9000", "Quokka tiny", "Zephyr base")
OUGHT_TO_BE_TOLD = {"content-type", "content-length", "cache-control"}
PLAIN_HEADERS = {  # the same on every answer, whatever it is about
    "date",
    "server",
    "content-security-policy",
    "x-content-type-options",
    "referrer-policy",
    "permissions-policy",
    "cross-origin-resource-policy",
    "set-cookie",
    "vary",
}


@pytest.fixture(scope="module")
def arena(strangers, tmp_path_factory):
    """A campaign of telling systems on a page for strangers; its owner is none of the voters."""
    services, address = strangers
    view = services.campaign_folders.create_now(
        "f" * 32,
        telling_folders(tmp_path_factory.mktemp("sounds")),
        lambda share, note: None,
        task="pairwise",
        template="pairwise",
        gold=0.34,
        same_system=0.33,
        heard_share=0,
        is_listed=False,
        votes_wanted=50,
        seed=5,
    )
    return services, address, view["id"]


@pytest.fixture
def visit(browse, arena):
    """Opens browsers of voters."""
    return functools.partial(browse, campaign=arena[2])


def secrets_of(services, campaign: str) -> set[str]:
    """Every text that would tell: names, hashes, gains, kinds, the names of files."""
    found = services.store.campaigns.get(campaign)
    clips = services.store.campaigns.clips(campaign)
    told = {*SYSTEMS, "#degraded", "degraded", "same_system", "gold", "777", "scene0_0"}
    told |= {system["name"] for system in found.definition["systems"]}
    told |= {clip.clip for clip in clips} | {clip.source for clip in clips}
    told |= {clip.candidate for clip in clips if clip.candidate}
    told |= {f"{clip.measures['gain_db']}" for clip in clips if abs(clip.measures["gain_db"]) > 1}
    return told


GRADIOS = ("/", "/config", "/gradio_api/info", "/gradio_api/startup-events", "/monitoring/summary")


def paths_before_the_vote(campaign: str, serving: dict) -> list[str]:
    """Every address of ours, and Gradio's, that a voter could look at."""
    return [
        "/studio/state",
        "/studio/backup",
        "/studio/campaigns",
        f"/studio/campaigns/{campaign}",
        "/studio/history",
        "/studio/favourites",
        "/studio/comparisons",
        f"/studio/jobs/{campaign}",
        f"/studio/jobs/{campaign}/all.wav.zip",
        f"/studio/results/{campaign}",
        f"/studio/results/{campaign}/agreement",
        f"/studio/results/{campaign}/voters",
        f"/studio/results/{campaign}/disputed",
        f"/studio/results/{campaign}/figure/points",
        f"/studio/results/{campaign}/forms",
        *(f"/studio/results/{campaign}/export?as={form}" for form in ("csv", "studio", "all")),
        f"/studio/candidates/{serving['sounds'][0]['token']}/sound.wav",
        f"/studio/candidates/{serving['id']}/picture",
        *(sound["url"] for sound in serving["sounds"]),
    ]


def test_nothing_that_reaches_the_browser_tells_the_system(arena, visit):
    """Bodies and headers of every route, before the vote: no name, hash, kind, gain or file name."""
    services, address, campaign = arena
    told = secrets_of(services, campaign)
    voter = visit()
    for path in GRADIOS:
        voter.get(path)
    for _ in range(4):
        serving = voter.next()
        for path in paths_before_the_vote(campaign, serving):
            voter.get(path)
        voter.post(f"/studio/vote/servings/{serving['id']}/draft", {"answer": {"outcome": "a"}})
        voter.post(f"/studio/vote/servings/{serving['id']}/reveal")
        voter.vote(serving, nonce="wrong")
        assert voter.vote(serving).status_code == 200
    assert len(voter.heard) > 100
    leaks = {}
    for answer in voter.heard:
        seen = f"{answer.headers}\n{answer.content.decode('utf-8', 'replace')}"
        if found := sorted(word for word in told if is_in(word, seen)):
            leaks[str(answer.url.path)] = found
    assert leaks == {}


def is_in(word: str, text: str) -> bool:
    """Whether it stands there as a word, not as a part of another or of a random name."""
    if word.lower() not in text.lower():  # a hundred times faster than looking at its neighbours
        return False
    return re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", text, re.IGNORECASE) is not None


def test_the_search_finds_what_it_is_for():
    """Names, in any case, and numbers; not digits within a token."""
    assert is_in("gold", '{"kind": "gold"}') and is_in("Quokka tiny", "by quokka TINY.")
    assert not is_in("777", "a777b") and not is_in("gold", "golden")


def test_the_sounds_of_a_serving_differ_in_nothing_but_the_sound(arena, visit):
    """Headers, WAV header, chunks, rate, channels, length; loudness within 0.1 LU."""
    services, address, campaign = arena
    voter = visit()
    for _ in range(5):
        serving = voter.next()
        answers = [voter.get(sound["url"]) for sound in serving["sounds"]]
        names = {tuple(sorted(answer.headers)) for answer in answers}
        assert len(names) == 1 and set(*names) - PLAIN_HEADERS == OUGHT_TO_BE_TOLD
        kept = [{n: answer.headers[n] for n in OUGHT_TO_BE_TOLD} for answer in answers]
        assert kept[0] == kept[1] and kept[0]["cache-control"] == "no-store"
        heads = {answer.content[:44] for answer in answers}
        assert len(heads) == 1 and chunks(answers[0].content) == ["fmt ", "data"]
        sounds = [soundfile.read(io.BytesIO(answer.content), dtype="float32") for answer in answers]
        assert sounds[0][0].shape == sounds[1][0].shape and sounds[0][1] == sounds[1][1]
        loud = [integrated_lufs(np.atleast_2d(audio.T), rate) for audio, rate in sounds]
        assert abs(loud[0] - loud[1]) < 0.1
        parts = [{**sound, "token": "", "url": ""} for sound in serving["sounds"]]
        assert parts[0] == parts[1] and len(set(serving["needs_ms"])) == 1
        assert voter.vote(serving).status_code == 200


def chunks(content: bytes) -> list[str]:
    """The names of a WAV file's chunks."""
    found, at = [], 12
    while at < len(content):
        name, size = struct.unpack("<4sI", content[at : at + 8])
        found.append(name.decode())
        at += 8 + size + size % 2
    return found


def test_a_serving_does_not_tell_its_kind(arena):
    """Gold, same-system and ordinary battles look alike once the random names are blanked."""
    services, address, campaign = arena
    shapes, kinds = set(), Counter()
    for number in range(12):
        voter = Voter(id=f"kind {number}", kind=PERSON)
        services.voting.join(campaign, voter)
        serving = services.voting.next(campaign, voter)["serving"]
        kinds[services.store.servings.get(serving["id"]).kind] += 1
        names = {serving["id"], serving["nonce"], *(s["token"] for s in serving["sounds"])}
        text = json.dumps(serving)
        for name in sorted(names, key=len, reverse=True):
            text = text.replace(name, f"<{len(name)}>")
        shapes.add(text.replace(serving["prompt"], "<prompt>"))
    assert set(kinds) == {"ab", "same_system", "gold"}
    assert len(shapes) == 1


def test_no_name_is_used_twice(arena):
    """Tokens, nonces and ids of fifty servings; the same sound has a new token each time."""
    services, address, campaign = arena
    names, clips = [], Counter()
    for number in range(50):
        voter = Voter(id=f"name {number}", kind=PERSON)
        services.voting.join(campaign, voter)
        serving = services.voting.next(campaign, voter)["serving"]
        names += [serving["id"], serving["nonce"], *(s["token"] for s in serving["sounds"])]
        clips.update(c.clip for c in services.store.servings.get(serving["id"]).clips)
    assert len(set(names)) == len(names) == 200
    assert max(clips.values()) > 1
    tails = [name[32:] for name in names if len(name) == 64]
    assert len(set(tails)) == 100, "the part of a token that is no serving's id is random too"


def servings(services, campaign: str, voters: int) -> list:
    """What so many voters would be shown first; nothing is stored."""
    standing = services.voting.standings.of(services.store.campaigns.get(campaign))
    return [services.voting.server._make(standing, f"voter {n}", []) for n in range(voters)]


def test_each_system_is_as_often_on_each_side(services):
    """Chi-square over six hundred battles of three pairs, drawn by named seeds."""
    campaign = small_campaign(services.store, gold=0.0, same_system=0.0)
    first = Counter(
        tuple(clip.system for clip in one.clips) for one in servings(services, campaign, 600)
    )
    for one, two in itertools.combinations(("s0", "s1", "s2"), 2):
        counts = [first[one, two], first[two, one]]
        assert sum(counts) > 150
        assert chisquare(counts).pvalue > 0.01, counts


def test_the_better_sound_of_a_gold_battle_is_as_often_on_each_side(services):
    """Else the side would tell what a trap is."""
    campaign = small_campaign(services.store, gold=1.0, same_system=0.0, with_gold=True)
    answers = Counter(one.answer for one in servings(services, campaign, 300))
    assert set(answers) == {0, 1}
    assert chisquare(list(answers.values())).pvalue > 0.01, answers


@pytest.mark.parametrize("task", ["mos", "integrity"])
def test_each_order_of_a_set_is_as_likely(services, task):
    """Chi-square over the six orders of three sounds: a uniform shuffle and no rotation."""
    takes = 3 if task == "integrity" else 1
    campaign = small_campaign(services.store, task, takes=takes, prompts=2)
    orders = Counter(
        tuple((clip.system, clip.take)[task == "integrity"] for clip in one.clips)
        for one in servings(services, campaign, 600)
    )
    assert len(orders) == 6
    assert chisquare(list(orders.values())).pvalue > 0.01, orders


def test_the_owner_of_the_page_is_not_told_either_while_voting(arena, visit):
    """A serving says no more to who made the campaign; systems are told by the reveal alone."""
    services, address, campaign = arena
    voter = visit(join=False)
    voter.carry("baton_visitor", "f" * 32)
    assert voter.get(f"/studio/campaigns/{campaign}").json()["is_mine"]
    voter.join()
    serving = voter.next()
    assert not any(is_in(word, json.dumps(serving)) for word in secrets_of(services, campaign))
    refused = voter.post(f"/studio/vote/servings/{serving['id']}/reveal")
    assert refused.status_code == 409
    assert voter.vote(serving).status_code == 200
    told = voter.post(f"/studio/vote/servings/{serving['id']}/reveal").json()["systems"]
    assert {system["title"].split(",")[0] for system in told} <= set(SYSTEMS)


def test_one_voters_token_is_no_sound_for_another(arena, visit):
    """Nor without a cookie: tokens are no links to hand on."""
    services, address, campaign = arena
    voter, other = visit(), visit()
    url = voter.next()["sounds"][0]["url"]
    assert voter.get(url).status_code == 200
    assert other.get(url).status_code == 404
    assert visit(join=False).get(url).status_code == 403
