"""Whose history this is: everybody's on one's own machine, each visitor's own on a shared page."""

import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "baton_visitor"
NAME = re.compile(r"[0-9a-f]{32}")
HERE = "here"  # the owner of everything on one's own machine, the command line's runs included
YEAR = 365 * 24 * 3600  # seconds


class Visitors:
    """Middleware that gives each visitor of a shared page a random name in a cookie.

    The name is no proof of who someone is; it only keeps histories apart.

    Args:
        app: what comes after.
        is_shared: False lets everything pass.
        on_space: a Space shows the page in a frame of another site, by https alone.
    """

    def __init__(self, app: ASGIApp, is_shared: bool, on_space: bool = False) -> None:
        self.app = app
        self.is_shared = is_shared
        self.kind = "Secure; SameSite=None" if on_space else "SameSite=Lax"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Set `scope["state"]["owner"]`, and the cookie when there is none yet."""
        if scope["type"] != "http" or not self.is_shared:
            await self.app(scope, receive, send)
            return
        known = visitor_in(Headers(scope=scope).get("cookie", ""))
        owner = known or secrets.token_hex(16)
        scope.setdefault("state", {})["owner"] = owner

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and known is None:
                MutableHeaders(scope=message).append(
                    "set-cookie",
                    f"{COOKIE}={owner}; Path=/; Max-Age={YEAR}; HttpOnly; {self.kind}",
                )
            await send(message)

        await self.app(scope, receive, send_with_cookie)


def visitor_in(cookies: str) -> str | None:
    """The visitor's name in a cookie header, if a well-formed one is there."""
    name = cookie_parser(cookies).get(COOKIE, "")
    return name if NAME.fullmatch(name) else None


def owner_of(request: object, is_shared: bool) -> str:
    """Who asks, from a Starlette request or a `gr.Request`."""
    if not is_shared:
        return HERE
    wrapped = getattr(request, "request", request)  # gr.Request keeps Starlette's inside
    name = visitor_in(wrapped.headers.get("cookie", ""))
    return name or getattr(wrapped.state, "owner", "") or "nobody"
