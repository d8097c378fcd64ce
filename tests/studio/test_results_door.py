"""Results over HTTP: what is asked for in the address, who may, and what is refused with which status."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from studio.routes import routes
from tests.studio.casting import cast
from tests.studio.small_campaign import small_campaign


@pytest.fixture
def browser(services) -> Iterator[TestClient]:
    """One's own machine, where everything is one's own."""
    with TestClient(Starlette(routes=routes(services)), base_url="http://studio.test") as opened:
        yield opened


@pytest.fixture
def voted(services) -> str:
    """Two systems, three people, four votes each."""
    campaign = small_campaign(services.store, systems=2, aspects=["quality"])
    for voter in ("ann", "bea", "cid"):
        for prompt in range(4):
            outcome = "ab"[prompt == len(voter) % 4]
            said = {"aspects": {"quality": "b"}}
            cast(services.store, campaign, voter, prompt, ("s0", "s1"), outcome, **said)
    return campaign


def test_results_and_figures_come_as_json(browser, voted):
    """The address chooses aspect, intervals and who is read; nothing is kept by the browser."""
    answer = browser.get(f"/studio/results/{voted}")
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    assert answer.json()["board"]["votes"] == 12
    asked = f"/studio/results/{voted}?aspect=quality&intervals=two-way&everything=1"
    found = browser.get(asked).json()
    assert found["board"]["systems"][0]["system"] == "s1"
    assert found["asked"]["with_excluded"] and "prompt" in found["board"]["intervals"]
    for name in ("board", "wins", "elo", "time", "agreement"):
        figure = browser.get(f"/studio/results/{voted}/figure/{name}")
        assert figure.status_code == 200 and figure.json()["data"], name
    said = browser.get(f"/studio/results/{voted}/agreement").json()["said"]
    assert said[0].startswith("Agreement on which is better")


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("nowhere", 404, "no such campaign"),
        ("{voted}?aspect=beauty", 400, "no board of the aspect"),
        ("{voted}?intervals=luck", 400, "Intervals by"),
        ("{voted}?tag=none", 400, "no group of prompts"),
        ("{voted}/figure/pie", 400, "no figure"),
        ("{voted}/figure/controlled", 400, "nothing to draw"),
    ],
)
def test_what_cannot_be_had_is_refused_in_a_sentence(browser, voted, address, status, said):
    """With the status that tells programs why."""
    answer = browser.get(f"/studio/results/{address.format(voted=voted)}")
    assert answer.status_code == status and said in answer.json()["error"]


def test_the_owner_leaves_out_and_lets_in(browser, voted):
    """By the key of the list; words must be words."""
    key = browser.get(f"/studio/results/{voted}/voters").json()["voters"][0]["key"]
    order = {"voter": key, "reason": "knew the systems"}
    done = browser.post(f"/studio/results/{voted}/exclude", json=order)
    assert (done.status_code, done.json()) == (200, {"excluded": 1})
    assert browser.get(f"/studio/results/{voted}").json()["counts"]["voters"] == 2
    done = browser.post(f"/studio/results/{voted}/lift", json={**order, "reason": "did not"})
    assert done.json() == {"excluded": 0}
    wrong = browser.post(f"/studio/results/{voted}/exclude", json={"voter": ["x"], "reason": "no"})
    assert wrong.status_code == 400 and "send a text" in wrong.json()["error"]
    assert browser.get(f"/studio/results/{voted}/exclude").status_code == 405


def test_the_controlled_board_is_asked_for_by_post(browser, voted, services, work):
    """The answer names the job; the view then has the result."""
    job = browser.post(f"/studio/results/{voted}/controlled").json()["job"]
    assert services.store.jobs.get(job).kind == "board"
    work(services)
    found = browser.get(f"/studio/results/{voted}").json()["controlled"]
    assert found["status"] == "done" and found["said"]
    assert browser.get(f"/studio/results/{voted}/figure/controlled").status_code == 200


def test_others_see_listed_boards_and_nothing_else(services):
    """Someone else's campaign: its board if it is listed; never voters, disputes or orders."""
    listed = small_campaign(services.store, owner="somebody")
    hidden = small_campaign(services.store, owner="somebody", is_listed=False)
    with TestClient(Starlette(routes=routes(services)), base_url="http://studio.test") as browser:
        assert browser.get(f"/studio/results/{listed}").status_code == 200
        for path in ("", "/agreement", "/figure/board", "/figure/time"):
            assert browser.get(f"/studio/results/{hidden}{path}").status_code == 403, path
        for path in ("/voters", "/disputed"):
            assert browser.get(f"/studio/results/{listed}{path}").status_code == 403, path
        for path in ("/exclude", "/lift", "/controlled"):
            assert browser.post(f"/studio/results/{listed}{path}", json={}).status_code == 403, path


def test_no_answer_names_a_voter_a_clip_or_a_token(browser, voted, services):
    """Neither the ids of voters nor hashes and tokens of sounds are in anything that is told."""
    secrets = {"ann", "bea", "cid"}
    secrets |= {clip.clip for clip in services.store.campaigns.clips(voted)}
    shown = [s for v in ("ann", "bea") for s in services.store.servings.of_voter(voted, v)]
    secrets |= {sound.token for one in shown for sound in one.serving.clips}
    for path in ("", "/voters", "/disputed", "/agreement", "/figure/board"):
        told = browser.get(f"/studio/results/{voted}{path}").text
        assert not [word for word in secrets if f'"{word}"' in told], path
