import dataclasses
import hashlib
import json
import threading
import time
from base64 import b64encode

import pytest
from itsdangerous import TimestampSigner
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient

from pipelines.errors import StudioError
from studio.config import Config, read_config
from studio.routes import routes
from studio.services.services import Services
from studio.store.votes import ACCOUNT, PERSON
from studio.voters import (
    COOKIE,
    account_id,
    drop_voter,
    new_name,
    secret_of,
    set_voter,
    voter_id,
    voter_of,
)
from tests.studio.sine_engines import SineEngines
from tests.studio.small_campaign import small_campaign

SPACE = Config(on_space=True, has_sign_in=True, system="spaces", secret="a secret of this Space")


def asking(cookie: str = "", session: dict | None = None) -> Request:
    """A request with this cookie and this session."""
    headers = [(b"cookie", cookie.encode())] if cookie else []
    scope = {"type": "http", "headers": headers, "method": "GET", "path": "/"}
    return Request(scope if session is None else {**scope, "session": session})


def signed_in(account: str = "623f0c1a", ends_in: float = 60) -> dict:
    """The session that Gradio keeps of a signed-in account."""
    userinfo = {"sub": account, "preferred_username": "ann"}
    return {"oauth_info": {"userinfo": userinfo, "expires_at": time.time() + ends_in}}


def test_a_browser_is_known_by_its_cookie_and_its_id_does_not_tell_it(config):
    """The same cookie is the same voter; the store never sees the cookie's name."""
    name = new_name()
    response = Response()
    set_voter(response, name, config)
    text = response.headers["set-cookie"]
    assert text.startswith(f"{COOKIE}={name}; Path=/; ") and "HttpOnly; SameSite=Lax" in text
    voter = voter_of(asking(f"{COOKIE}={name}"), config)
    assert voter.kind == PERSON and voter.id == voter_id(name)
    assert name not in voter.id and voter_id(new_name()) != voter.id


def test_in_the_frame_of_a_space_the_cookie_is_one_that_is_kept(config):
    """None and Secure, and of the frame's own jar where browsers block third parties."""
    response = Response()
    set_voter(response, new_name(), SPACE)
    assert response.headers["set-cookie"].endswith("HttpOnly; Secure; SameSite=None; Partitioned")
    drop_voter(response, SPACE)
    assert "baton_voter=; Path=/; Max-Age=0" in response.headers.getlist("set-cookie")[1]


@pytest.mark.parametrize(
    "cookie", ["", "a" * 31, "A" * 32, "a" * 33, "../" + "a" * 29, "' or 1=1 --", '"' + "a" * 30]
)
def test_a_malformed_cookie_is_nobody(cookie, config):
    """Nothing but 32 hex digits is looked at."""
    assert voter_of(asking(f"{COOKIE}={cookie}"), config) is None


def test_an_account_goes_before_the_cookie_and_is_told_by_its_number(config):
    """On a Space the account is the same voter from every browser; its id needs the secret."""
    cookie = f"{COOKIE}={new_name()}"
    voter = voter_of(asking(cookie, signed_in()), SPACE)
    assert voter.kind == ACCOUNT
    assert voter == voter_of(asking(session=signed_in()), SPACE)
    assert voter != voter_of(asking(session=signed_in("623f0c1b")), SPACE)
    other = dataclasses.replace(SPACE, secret="the secret of another")
    assert voter != voter_of(asking(session=signed_in()), other)
    assert voter.id == account_id("623f0c1a", b"a secret of this Space")


@pytest.mark.parametrize(
    "session",
    [
        {},
        {"oauth_info": "ann"},
        {"oauth_info": {"userinfo": {}}},
        signed_in(ends_in=-1),
        {"oauth_info": {"userinfo": {"sub": ""}, "expires_at": 9e12}},
        {"oauth_info": {"userinfo": {"sub": 7}, "expires_at": 9e12}},
    ],
)
def test_what_is_no_account_is_none(session):
    """An expired sign-in, or one without a number, speaks for nobody."""
    assert voter_of(asking(session=session), SPACE) is None


@pytest.mark.parametrize(
    "here",
    [
        Config(secret="x" * 20),
        Config(on_space=True, system="spaces"),
        Config(has_sign_in=True, system="spaces"),
        Config(on_space=True, has_sign_in=True),
    ],
)
def test_off_a_space_no_account_is_believed(here):
    """Gradio mocks the sign-in there: everyone would be the host's own account."""
    assert voter_of(asking(session=signed_in()), here) is None


def signed(session: dict, secret: str) -> str:
    """A session cookie as Gradio signs it."""
    key = hashlib.sha256(f"{secret}-v4".encode()).hexdigest()
    return TimestampSigner(key).sign(b64encode(json.dumps(session).encode())).decode()


def test_an_account_campaign_takes_accounts_and_nobody_who_says_so(tmp_path):
    """The whole door on a Space: a true session votes; forged, expired and missing ones do not."""
    config = dataclasses.replace(SPACE, data=tmp_path)
    services = Services(config, SineEngines(config))
    campaign = small_campaign(services.store, systems=2, prompts=1, who="account")
    key = hashlib.sha256(f"{SPACE.secret}-v4".encode()).hexdigest()
    door = TestClient(
        Starlette(routes=routes(services), middleware=[Middleware(SessionMiddleware, key)])
    )
    told = {}
    for name, session in {
        "true": signed(signed_in(), SPACE.secret),
        "signed with the key of a mock": signed(signed_in(), ""),
        "expired": signed(signed_in(ends_in=-1), SPACE.secret),
        "none": "",
    }.items():
        headers = {"cookie": f"session={session}; {COOKIE}={new_name()}"}
        answer = door.post(f"/studio/vote/{campaign}/join", json={}, headers=headers)
        told[name] = answer.status_code
    services.close()
    refused = {"signed with the key of a mock": 403, "expired": 403, "none": 403}
    assert told == {"true": 200, **refused}


def test_a_session_that_someone_made_is_not_read():
    """Off a Space the signature's key is known to all; the cookie is then not even looked at."""
    forged = b64encode(json.dumps(signed_in()).encode()).decode() + ".signature"
    assert voter_of(asking(f"session={forged}"), SPACE) is None


def test_the_secret_is_made_once_for_its_owner_alone(tmp_path):
    """Eight threads at once read the same one; nobody else on the machine may read it."""
    config, found = Config(data=tmp_path / "data"), []
    threads = [
        threading.Thread(target=lambda: found.append(secret_of(config)), daemon=True)
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1 and len(found) == 8 and len(found[0]) == 64
    path = tmp_path / "data" / "secret"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret"]


def test_our_own_secret_wins_over_the_spaces_and_is_never_shown():
    """The Space's changes when its sign-in is set up anew; ours does not."""
    environment = {"OAUTH_CLIENT_SECRET": "o" * 20, "BATON_SECRET": "b" * 20, "HF_TOKEN": "hf_t"}
    config = read_config(environment)
    assert secret_of(config) == b"b" * 20
    assert secret_of(read_config({"OAUTH_CLIENT_SECRET": "o" * 20})) == b"o" * 20
    assert "bbb" not in repr(config) and "hf_t" not in repr(config)
    with pytest.raises(StudioError, match="BATON_SECRET has 5 characters; give at least 16"):
        read_config({"BATON_SECRET": "short"})


@pytest.mark.parametrize(
    ("key", "text"),
    [("BATON_BACKUP_VOTES", "0"), ("BATON_BACKUP_VOTES", "2.5"), ("BATON_BACKUP_SECONDS", "nan")],
)
def test_a_count_that_is_none_is_refused(key, text):
    """The sentence tells what is allowed."""
    with pytest.raises(StudioError, match="must be a"):
        read_config({key: text})
