"""Who votes: a random name in a cookie that one browser alone knows, or a signed-in account."""

import hashlib
import hmac
import os
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request, cookie_parser
from starlette.responses import Response

from pipelines.errors import StudioError
from studio.config import Config
from studio.store.votes import ACCOUNT, PERSON
from studio.visitors import YEAR

COOKIE = "baton_voter"
NAME = re.compile(r"[0-9a-f]{32}")  # 128 bits: nobody guesses another voter's name
LENGTH = 32  # hex digits of a voter's id


@dataclass(frozen=True, kw_only=True)
class Voter:
    """Who a request speaks for; the id tells the store nothing of the cookie or the account."""

    id: str
    kind: str  # PERSON or ACCOUNT, of store.votes


def voter_of(request: object, config: Config) -> Voter | None:
    """The account that is signed in, else the browser by its cookie, else None.

    Args:
        request: Starlette's, or a `gr.Request`.
        config: tells whether accounts can be believed here.
    """
    return next(iter(voters_of(request, config)), None)


def voters_of(request: object, config: Config) -> list[Voter]:
    """All names under which a request may have voted: its account's, and its browser's."""
    wrapped = getattr(request, "request", request)  # gr.Request keeps Starlette's inside
    found = []
    account = account_in(wrapped, config)
    if account is not None:
        found.append(Voter(id=account_id(account, secret_of(config)), kind=ACCOUNT))
    name = cookie_parser(wrapped.headers.get("cookie", "")).get(COOKIE, "")
    if NAME.fullmatch(name):
        found.append(Voter(id=voter_id(name), kind=PERSON))
    return found


def voter_id(name: str) -> str:
    """The id of the browser with this cookie; from the id nobody gets back to the cookie."""
    return hashlib.sha256(f"baton voter {name}".encode()).hexdigest()[:LENGTH]


def account_id(account: str, secret: bytes) -> str:
    """The id of an account: without the secret nobody can tell whether someone voted here."""
    return hmac.new(secret, f"account {account}".encode(), hashlib.sha256).hexdigest()[:LENGTH]


def account_in(request: Request, config: Config) -> str | None:
    """The number (`sub`) of the signed-in Hugging Face account, or None.

    Believed on a Space alone: elsewhere Gradio makes everyone the host's own account, under a
    signature that everyone can make. The number and not the name, which people may change.
    """
    if not config.can_sign_in:
        return None
    found = request.scope.get("session", {}).get("oauth_info")
    if not isinstance(found, dict) or found.get("expires_at", 0) < time.time():
        return None
    account = found.get("userinfo", {}).get("sub")
    return account if isinstance(account, str) and account else None


def new_name() -> str:
    """A name for the cookie of a browser that has none."""
    return secrets.token_hex(16)


def set_voter(response: Response, name: str, config: Config) -> None:
    """Let the browser keep this name, out of reach of scripts."""
    response.headers.append("set-cookie", cookie_text(name, YEAR, config))


def drop_voter(response: Response, config: Config) -> None:
    """Let the browser lose its name."""
    response.headers.append("set-cookie", cookie_text("", 0, config))


def cookie_text(name: str, seconds: int, config: Config) -> str:
    """The header; a Space stands in a frame of another site, where only this kind is kept."""
    where = "Secure; SameSite=None; Partitioned" if config.on_space else "SameSite=Lax"
    return f"{COOKIE}={name}; Path=/; Max-Age={seconds}; HttpOnly; {where}"


def secret_of(config: Config) -> bytes:
    """What makes ids of accounts: from the settings, else made once and kept in the data folder.

    Raises:
        StudioError: the folder cannot be written.
    """
    if config.secret:
        return config.secret.encode()
    path = config.data / "secret"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"secret.{secrets.token_hex(8)}")
        if not path.exists():
            with os.fdopen(
                os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
            ) as file:
                file.write(secrets.token_hex(32))
            link_once(draft, path)
        return path.read_bytes()
    except OSError as error:
        raise StudioError(
            f"The secret in {path} cannot be kept ({error.strerror}); set BATON_SECRET to a long "
            "random text, or let the data folder be written."
        ) from error


def link_once(draft: Path, path: Path) -> None:
    """Give the draft its name unless another was first; either way the draft is gone."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
