"""Whose history this is: everybody's on one's own machine, each visitor's own on a public page."""

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
    """Middleware that gives each visitor of a public page a random name in a cookie.

    The name is no proof of who someone is; it only keeps histories apart.
    """

    def __init__(self, app: ASGIApp, on_space: bool) -> None:
        self.app = app
        self.on_space = on_space

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Set `scope["state"]["owner"]`, and the cookie when there is none yet."""
        if scope["type"] != "http" or not self.on_space:
            await self.app(scope, receive, send)
            return
        known = visitor_in(Headers(scope=scope).get("cookie", ""))
        owner = known or secrets.token_hex(16)
        scope.setdefault("state", {})["owner"] = owner

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and known is None:
                MutableHeaders(scope=message).append(
                    "set-cookie",
                    f"{COOKIE}={owner}; Path=/; Max-Age={YEAR}; HttpOnly; Secure; SameSite=None",
                )
            await send(message)

        await self.app(scope, receive, send_with_cookie)


def visitor_in(cookies: str) -> str | None:
    """The visitor's name in a cookie header, if a well-formed one is there."""
    name = cookie_parser(cookies).get(COOKIE, "")
    return name if NAME.fullmatch(name) else None


def owner_of(request: object, on_space: bool) -> str:
    """Who asks, from a Starlette request or a `gr.Request`."""
    if not on_space:
        return HERE
    wrapped = getattr(request, "request", request)  # gr.Request keeps Starlette's inside
    name = visitor_in(wrapped.headers.get("cookie", ""))
    return name or getattr(wrapped.state, "owner", "") or "nobody"
