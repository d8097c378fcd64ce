"""What every answer says to the browser, and which requests are turned away at the door."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FRAMES = "'self' https://huggingface.co https://*.huggingface.co https://*.hf.space"
POLICY = "; ".join(
    [
        "default-src 'self'",
        # Gradio starts from an inline script and compiles its event handlers from strings
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        f"frame-ancestors {FRAMES}",
    ]
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cross-origin-resource-policy": "same-site",
}
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


class SecurityHeaders:
    """Middleware: the headers above on every answer, and no change asked for by another site.

    Args:
        app: what comes after.
        public_host: a name of ours that a proxy may not pass on.
    """

    def __init__(self, app: ASGIApp, public_host: str | None = None) -> None:
        self.app = app
        self.public_host = public_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a foreign change with 403; else pass on, and mark the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        if is_foreign_change(scope, self.public_host):
            refusal = JSONResponse({"error": "This request came from another site."}, 403)
            await refusal(scope, receive, send_marked)
            return
        await self.app(scope, receive, send_marked)


def is_foreign_change(scope: Scope, public_host: str | None = None) -> bool:
    """Whether a page of another origin asks to change something.

    Gradio answers any origin with credentials allowed, so the check is ours. Programs send no
    Origin and carry no cookies of a browser; they pass.
    """
    if scope["method"] in SAFE_METHODS:
        return False
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    if origin is None:
        return False
    hosts = {headers.get("host"), headers.get("x-forwarded-host"), public_host}
    return urlsplit(origin).netloc not in hosts
