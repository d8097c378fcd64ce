"""The door for votes as any client finds it: addresses, statuses, the cookie, what is not read."""

import json
import uuid
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from studio.routes import routes
from studio.security import SecurityHeaders
from studio.services.campaigns.passphrases import hashed
from studio.services.services import Services
from studio.store.campaigns import CLOSED
from tests.studio.ballots import ballot
from tests.studio.small_campaign import small_campaign


@pytest.fixture(scope="module")
def app(either: Services) -> Starlette:
    """Our addresses without Gradio's page."""
    return Starlette(routes=routes(either), middleware=[Middleware(SecurityHeaders)])


@pytest.fixture
def browser(app) -> Iterator[TestClient]:
    """One that keeps cookies."""
    with TestClient(app, base_url="http://studio.test") as opened:
        yield opened


@pytest.fixture
def other(app) -> Iterator[TestClient]:
    """Another voter's."""
    with TestClient(app, base_url="http://studio.test") as opened:
        yield opened


def asked(browser: TestClient, address: str, body: object = None) -> dict:
    """The answer to a POST that must succeed."""
    answer = browser.post(f"/studio/vote/{address}", json=body or {})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


def refused(browser: TestClient, address: str, status: int, body: object = None) -> str:
    """The sentence of a POST that must be refused with this status."""
    answer = browser.post(f"/studio/vote/{address}", json=body or {})
    assert (answer.status_code, list(answer.json())) == (status, ["error"]), answer.text
    return answer.json()["error"]


def test_a_vote_from_joining_to_reveal(either, browser):
    campaign = small_campaign(either.store)
    joined = browser.post(f"/studio/vote/{campaign}/join", json={})
    assert joined.json() == {
        "joined": True,
        "progress": {"mine": 0, "of": 12, "votes": 0, "wanted": 8},
    }
    cookie = joined.headers["set-cookie"]
    assert cookie.startswith("baton_voter=") and "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert "set-cookie" not in browser.post(f"/studio/vote/{campaign}/join", json={}).headers
    serving = asked(browser, f"{campaign}/next")["serving"]
    assert set(serving) == {
        "id nonce task number position of prompt seconds sounds needs_ms draft vote".split()[n]
        for n in range(12)
    }
    for sound in serving["sounds"]:
        heard = browser.get("/" + sound["url"])
        assert (heard.headers["content-type"], heard.headers["cache-control"]) == (
            "audio/wav",
            "no-store",
        )
        assert not {"etag", "last-modified", "content-disposition"} & set(heard.headers)
        assert heard.content[:4] == b"RIFF"
    kept = asked(browser, f"servings/{serving['id']}/draft", {"answer": {"outcome": "b"}})
    assert set(kept) == {"saved_at"}
    assert asked(browser, f"{campaign}/next")["serving"]["draft"] == {"outcome": "b"}
    sent = ballot(serving, reason="clearer")
    told = asked(browser, "votes", sent)
    assert set(told) == set("vote serving revision stored_at progress backup".split())
    assert (told["vote"], told["revision"]) == (sent["id"], 0)
    assert asked(browser, "votes", sent) == told
    last = asked(browser, f"{campaign}/last")["serving"]
    assert (last["vote"]["outcome"], last["vote"]["is_revealed"]) == ("a", False)
    systems = asked(browser, f"servings/{serving['id']}/reveal")["systems"]
    assert len(systems) == 2 and all(one["title"].startswith("System s") for one in systems)
    assert len(either.store.votes.live_votes(campaign)) == 1


def test_each_refusal_has_its_status(either, browser, other):
    campaign = small_campaign(either.store)
    closed = small_campaign(either.store)
    secret = small_campaign(either.store, who="passphrase", passphrase=hashed("open sesame"))
    heard = small_campaign(either.store, heard_share=0.9)
    assert "join the campaign first" in refused(browser, f"{campaign}/next", 403)
    assert "not the passphrase" in refused(browser, f"{secret}/join", 403, {"passphrase": "x" * 9})
    refused(browser, f"{secret}/join", 403, {"passphrase": ["open sesame"]})
    assert asked(browser, f"{secret}/join", {"passphrase": "open sesame"})["joined"]
    for one in (campaign, closed, heard):
        asked(browser, f"{one}/join")
    asked(other, f"{campaign}/join")
    serving = asked(browser, f"{campaign}/next")["serving"]
    assert "not put before you" in refused(other, "votes", 404, ballot(serving))
    assert other.get("/" + serving["sounds"][0]["url"]).status_code == 404
    assert "nonce" in refused(browser, "votes", 403, ballot(serving, nonce=None))
    assert "outcome" in refused(browser, "votes", 400, ballot(serving, outcome="good"))
    assert "no vote in this campaign" in refused(browser, f"{campaign}/last", 404)
    assert "named after the vote" in refused(browser, f"servings/{serving['id']}/reveal", 409)
    assert "no such campaign" in refused(browser, "nothing/join", 404)
    assert "The draft has" in refused(
        browser, f"servings/{serving['id']}/draft", 400, {"answer": "x" * 9000}
    )
    unheard = asked(browser, f"{heard}/next")["serving"]
    assert "not played yet" in refused(browser, "votes", 409, ballot(unheard))
    sent = ballot(serving)
    asked(browser, "votes", sent)
    assert "has this id already" in refused(browser, "votes", 409, {**sent, "outcome": "b"})
    assert "vote on these sounds already" in refused(browser, "votes", 409, ballot(serving))
    either.store.campaigns.say(closed, CLOSED)
    assert "is closed" in refused(browser, f"{closed}/next", 409)


def test_a_foreign_page_cannot_vote(either, browser):
    campaign = small_campaign(either.store)
    asked(browser, f"{campaign}/join")
    serving = asked(browser, f"{campaign}/next")["serving"]
    answer = browser.post(
        "/studio/vote/votes", json=ballot(serving), headers={"origin": "https://elsewhere.example"}
    )
    assert answer.status_code == 403
    assert either.store.votes.live_votes(campaign) == []


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (b"{", 400, "not JSON"),
        (b"[1]", 400, "send a JSON object"),
        (b'{"serving": NaN}', 400, "not JSON"),
        (b"[" * 30_000, 400, "not JSON"),
        (b'{"reason": "' + b"x" * 70_000 + b'"}', 413, "More than 64 kB"),
        (b"\xff\xfe", 400, "not JSON"),
        (b"", 404, "not put before you"),
    ],
)
def test_what_is_no_vote_is_not_read(either, browser, content, status, said):
    asked(browser, f"{small_campaign(either.store)}/join")
    headers = {"content-type": "application/json"}
    answer = browser.post("/studio/vote/votes", content=content, headers=headers)
    assert answer.status_code == status and said in answer.json()["error"]


def test_a_form_is_no_vote(either, browser):
    """A page of another site can send a form without asking; it is not read."""
    campaign = small_campaign(either.store)
    asked(browser, f"{campaign}/join")
    serving = asked(browser, f"{campaign}/next")["serving"]
    headers = {"content-type": "text/plain"}
    sent = json.dumps(ballot(serving))
    assert browser.post("/studio/vote/votes", content=sent, headers=headers).status_code == 404
    assert either.store.votes.live_votes(campaign) == []


def test_too_many_votes_in_a_minute_are_refused(services):
    """At 4 a minute, 2 at once: the third waits; what was stored is still said to be stored."""
    services = type(services)(
        type(services.config)(data=services.config.data, votes_per_minute=4), services.engines
    )
    campaign = small_campaign(services.store)
    with TestClient(Starlette(routes=routes(services))) as browser:
        asked(browser, f"{campaign}/join")
        for _ in range(2):
            sent = ballot(asked(browser, f"{campaign}/next")["serving"])
            asked(browser, "votes", sent)
        waiting = asked(browser, f"{campaign}/next")["serving"]
        assert "wait 15 s" in refused(browser, "votes", 429, ballot(waiting))
        assert asked(browser, "votes", sent)["vote"] == sent["id"]
    services.close()


def test_ids_that_are_none_lead_nowhere(either, browser):
    """Paths, SQL and NUL bytes in an address are no campaign, no serving, no sound."""
    asked(browser, f"{small_campaign(either.store)}/join")
    for bad in ("..%2f..%2fstudio.db", "%00", "' or 1=1 --", str(uuid.uuid4()), "é" * 40):
        assert browser.post(f"/studio/vote/{bad}/next", json={}).status_code == 404
        assert browser.post(f"/studio/vote/servings/{bad}/reveal", json={}).status_code == 404
        assert browser.get(f"/studio/vote/sounds/{bad}.wav").status_code == 404
