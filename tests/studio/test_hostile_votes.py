import functools
import json
import re
import uuid

import pytest

from studio.routes import FILES
from studio.visitors import HERE
from studio.voters import COOKIE, new_name
from tests.studio.served import NASTY, row_counts
from tests.studio.small_campaign import small_campaign

POSTS = [row[1] for file in FILES for row in file.TABLE if row[0] == "POST"]
GETS = [row[1] for file in FILES for row in file.TABLE if row[0] == "GET"]


@pytest.fixture
def arena(strangers, nasty):
    """A campaign with nasty words in it, on a page for strangers; nobody's who asks."""
    return *strangers, nasty


@pytest.fixture
def visit(browse, nasty):
    """Opens browsers of voters."""
    return functools.partial(browse, campaign=nasty)


def filled(path: str, campaign: str) -> str:
    """An address of ours with something for each of its places."""
    path = path.replace("{campaign}", campaign).replace("{place:int}", "0")
    return "/studio" + re.sub(r"\{(\w+)\}", "0" * 32, path)


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://127.0.0.1.evil.test"])
def test_another_site_can_post_nothing(arena, visit, origin):
    """Every POST of ours and Gradio's own doors, with the voter's cookie: 403, nothing stored."""
    services, address, campaign = arena
    voter = visit()
    before = row_counts(services.store)
    for path in [*(filled(path, campaign) for path in POSTS), *GRADIOS]:
        answer = voter.post(path, headers={"origin": origin})
        assert (answer.status_code, path) == (403, path)
        assert answer.json() == {"error": "This request came from another site."}
    assert row_counts(services.store) == before


GRADIOS = ["/gradio_api/queue/join", "/gradio_api/upload", "/gradio_api/run/predict"]


def test_our_own_page_and_programs_may(visit, arena):
    """Its own Origin passes; none at all passes, and is then nobody without a cookie."""
    voter = visit()
    path = f"/studio/vote/{voter.campaign}/next"
    assert voter.post(path, headers={"origin": arena[1]}).status_code == 200
    answer = visit(join=False).post(path)
    assert answer.status_code == 403
    assert answer.json()["error"] == "You do not take part yet; join the campaign first."


def test_a_nonce_is_of_no_use_to_another_voter(arena, visit):
    """Stolen with the serving's id and its tokens, it neither votes nor reveals nor plays."""
    services, _, _ = arena
    voter, thief = visit(), visit()
    serving = voter.next()
    before = row_counts(services.store)
    assert thief.vote(serving).status_code == 404
    assert thief.post(f"/studio/vote/servings/{serving['id']}/reveal").status_code == 404
    draft = thief.post(f"/studio/vote/servings/{serving['id']}/draft", {"answer": 1})
    assert draft.status_code == 404
    assert thief.get(serving["sounds"][0]["url"]).status_code == 404
    assert row_counts(services.store) == before
    assert voter.vote(serving, nonce="0" * 32).status_code == 403
    assert voter.vote(serving).status_code == 200


def test_a_vote_sent_again_is_one_vote(arena, visit):
    """The same twice: the same answer. Its id with other content, or another id: refused."""
    services, _, campaign = arena
    voter = visit()
    serving = voter.next()
    name = str(uuid.uuid4())
    first = voter.vote(serving, id=name).json()
    assert voter.vote(serving, id=name).json()["stored_at"] == first["stored_at"]
    assert voter.vote(serving, id=name, outcome="b").status_code == 409
    assert voter.vote(serving).status_code == 409
    other = visit()
    assert other.vote(other.next(), id=name).status_code == 409
    assert sum(v.serving == serving["id"] for v in services.store.votes.live_votes(campaign)) == 1


def test_a_form_of_another_kind_is_not_read(visit):
    """What a page of another site can send without asking first: forms and plain text."""
    voter = visit()
    serving = voter.next()
    sent = {"serving": serving["id"], "nonce": serving["nonce"], "outcome": "a"}
    for wishes in (
        {"data": sent},
        {"content": json.dumps(sent), "headers": {"content-type": "text/plain"}},
        {"files": {"serving": b"x"}},
    ):
        assert voter.client.post("/studio/vote/votes", **wishes).status_code in (400, 404)


def test_nasty_words_are_stored_as_they_are_and_sent_as_json(arena, visit):
    """SQL, markup and templates in prompt, title and reason: data everywhere, never a page."""
    services, _, campaign = arena
    voter = visit()
    serving = voter.next()
    assert serving["prompt"] == NASTY
    stored = voter.vote(serving, reason=NASTY, interface=NASTY[:80])
    assert stored.status_code == 200
    vote = services.store.votes.live(serving["id"])
    assert (vote.reason, vote.interface) == (NASTY, NASTY[:80])
    last = voter.post(f"/studio/vote/{campaign}/last")
    seen = voter.get(f"/studio/campaigns/{campaign}")
    assert last.json()["serving"]["vote"]["reason"] == seen.json()["title"] == NASTY
    for answer in (stored, last, seen):
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
    for page in ("/", "/config"):
        assert "onerror=alert(1)" not in voter.get(page).text


PATHS = (
    "..%2f..%2fetc%2fpasswd",
    "..",
    "%2e%2e%2fstudio.db",
    "%00",
    "'%20or%201=1--",
    "A" * 5000,
    "%ff",
    "{campaign}",
    "null",
)


@pytest.mark.parametrize("name", PATHS)
def test_a_name_that_is_a_path_names_nothing(arena, visit, name):
    """Wherever an id stands in an address: 4xx in a sentence or plain 404, no file, no fault."""
    voter = visit()
    for shape in [*POSTS, *GETS]:
        if "{" not in shape:
            continue
        path = "/studio" + re.sub(r"\{[\w:]+\}", lambda _: name, shape)
        method = "POST" if shape in POSTS else "GET"
        answer = voter.client.request(method, path, json={} if method == "POST" else None)
        found_nothing = answer.text in ('{"stopping":false}', '{"forms":[]}')
        assert found_nothing or 400 <= answer.status_code < 500, (path, answer.text[:200])
        assert "root:" not in answer.text and "SQLite format" not in answer.text


def test_a_passphrase_cannot_be_guessed_by_trying(arena, visit):
    """Wrong ones are refused alike, and after a burst everybody's tries are slowed down."""
    from studio.services.campaigns.passphrases import hashed

    services, _, _ = arena
    campaign = small_campaign(
        services.store, systems=2, prompts=1, who="passphrase", passphrase=hashed("three blue owls")
    )
    voter = visit(campaign=campaign, join=False)
    told = [voter.join(passphrase=guess) for guess in ("", "three blue owl", "x" * 60_000, NASTY)]
    assert {answer.status_code for answer in told} == {403}
    assert {answer.json()["error"] for answer in told} == {
        "This is not the passphrase; ask who invited you."
    }
    assert not any(
        "set-cookie" in answer.headers and COOKIE in str(answer.headers) for answer in told
    )
    tries = (voter.join(passphrase=f"guess {n}").status_code for n in range(300))
    assert next(status for status in tries if status != 403) == 429
    for wrong in (["three blue owls"], {"a": 1}, 7, None, True):
        assert visit(campaign=campaign, join=False).join(passphrase=wrong).status_code in (403, 429)


def test_a_cookie_of_ones_own_making_is_nobody(arena, visit):
    """Well-formed, it has joined nothing; malformed, it is not looked at; an id is no name."""
    services, _, campaign = arena
    voter = visit()
    serving = voter.next()
    theirs = services.store.servings.get(serving["id"]).voter
    for cookie in (new_name(), theirs, "a" * 5000, "' or '1'='1", "../../secret", "\u0661" * 4):
        stranger = visit(join=False)
        headers = {"cookie": f"{COOKIE}={cookie}".encode()}
        answer = stranger.client.post(f"/studio/vote/{campaign}/next", json={}, headers=headers)
        assert answer.status_code == 403, cookie
        sound = stranger.client.get(serving["sounds"][0]["url"], headers=headers)
        assert sound.status_code in (403, 404)


def test_a_session_hash_and_a_private_endpoint_of_gradio_are_no_way_in(arena, visit):
    """A name the client chose is no identity; the plain run and call doors are shut."""
    services, _, _ = arena
    voter = visit()
    before = row_counts(services.store)
    names = {d["api_name"] for d in voter.get("/config").json()["dependencies"]}
    assert names
    for name in sorted(str(name) for name in names):
        for door in (f"/gradio_api/run/{name}", f"/gradio_api/api/{name}"):
            answer = voter.post(door, {"data": [], "session_hash": "another"})
            assert answer.status_code != 200, (door, answer.text)
            assert "Traceback" not in answer.text and "gradio" not in answer.text
    assert row_counts(services.store) == before


def test_asking_changes_nothing(arena, visit):
    """Every GET, as a stranger and as a voter, with wishes in the query; only a fetch is noted."""
    services, _, campaign = arena
    voter, stranger = visit(), visit(join=False)
    serving = voter.next()
    before = row_counts(services.store)
    for path in GETS:
        for who in (voter, stranger):
            who.get(
                filled(path, campaign) + "?as=../../etc&agreement=nan&intervals=x&aspect=%00&tag='"
            )
    voter.get(serving["sounds"][0]["url"])
    after = row_counts(services.store)
    assert after.pop("hearings") == before.pop("hearings") + 1
    assert after == before
    for path in set(POSTS) - set(GETS):
        assert voter.get(filled(path, campaign)).status_code in (404, 405)


def test_no_answer_of_ours_faults(arena, visit):
    """Nothing above or here is answered with 500."""
    voter = visit()
    for path in GETS:
        for query in (
            "",
            "?as=zip",
            "?agreement=inf",
            "?intervals=two-way",
            "?before='",
            "?scale=%ff",
        ):
            answer = voter.get(filled(path, voter.campaign) + query)
            assert answer.status_code < 500, (path, query)
    for path in POSTS:
        for sent in (
            {},
            {"reason": 1, "voter": []},
            {"voter": NASTY, "reason": NASTY},
            {"answer": NASTY},
        ):
            if path != "/vote/forget":
                answer = voter.post(filled(path, voter.campaign), sent)
                assert answer.status_code < 500, (path, sent, answer.text)
    for method in ("PUT", "DELETE", "PATCH"):
        assert voter.client.request(method, "/studio/vote/votes").status_code == 405


OWNERS = ("close", "open")


def test_what_is_the_owners_is_refused_to_others(arena, visit):
    """Close, open, voters, exclusions, exports: whoever has the link is not the owner."""
    services, _, campaign = arena
    voter = visit()
    before = row_counts(services.store)
    for verb in OWNERS:
        assert voter.post(f"/studio/campaigns/{campaign}/{verb}").status_code in (400, 403)
    for verb in ("exclude", "lift", "controlled"):
        sent = {"voter": "voter 1", "reason": "x"}
        answer = voter.post(f"/studio/results/{campaign}/{verb}", sent)
        assert answer.status_code in (400, 403)
    for view in ("voters", "disputed", "export?as=all", "export?as=studio"):
        assert voter.get(f"/studio/results/{campaign}/{view}").status_code in (400, 403)
    assert row_counts(services.store) == before
    assert services.store.campaigns.get(campaign).status == "open"


def test_uploads_are_small_and_never_pages(visit):
    """21 MB are refused; markup comes back as a download, if at all."""
    voter = visit()
    big = voter.client.post("/gradio_api/upload", files={"files": ("a.txt", b"x" * 21_000_000)})
    assert big.status_code == 413
    page = b"<script>alert(1)</script>"
    kept = voter.client.post("/gradio_api/upload", files={"files": ("a.html", page)}).json()
    answer = voter.client.get(f"/gradio_api/file={kept[0]}")
    assert answer.status_code in (403, 404) or "attachment" in answer.headers["content-disposition"]
    for path in ("/etc/passwd", "app.py", "studio/config.py"):
        assert voter.client.get(f"/gradio_api/file={path}").status_code in (403, 404)


def test_there_is_no_way_to_be_sent_elsewhere(arena, visit):
    """No address of the page redirects to another host."""
    voter = visit()
    for path in (
        "//evil.test",
        "/studio//evil.test",
        "/login?next=//evil.test",
        "/logout?_target_url=https://evil.test",
        "/login/huggingface?_target_url=//evil.test",
        "/?campaign=https://evil.test",
    ):
        where = voter.client.get(path, follow_redirects=False).headers.get("location", "/")
        where = where.removeprefix(arena[1]) or "/"
        assert where.startswith("/") and not where.startswith("//"), (path, where)


def test_secrets_are_in_no_answer(arena, visit):
    """Neither the cookie's name nor the data folder, whatever is asked for."""
    services, _, campaign = arena
    voter = visit()
    name = voter.client.cookies[COOKIE]
    for path in ("/", "/config", "/studio/backup", "/studio/campaigns", "/studio/nothing"):
        seen = voter.get(path).text
        assert name not in seen and str(services.config.data) not in seen and HERE != seen


def test_a_database_that_is_away_does_not_tell_where_it_is(tmp_path):
    """PostgreSQL's own words name host and user; strangers get a sentence, the log the rest."""
    from studio.refusals import NotStored
    from studio.store.database import Database

    pytest.importorskip("psycopg")
    away = Database("postgresql+psycopg://ann:hush@127.0.0.1:9/votes")
    with pytest.raises(NotStored) as told, away.read():
        pass
    assert not any(word in str(told.value) for word in ("127.0.0.1", "ann", "hush", "votes"))
    away.close()
