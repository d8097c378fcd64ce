"""A language model behind an OpenAI-style address: one host, one way to ask, no redirects."""

import ipaddress
import json
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pipelines.errors import Cancelled, StudioError

PATH = "/chat/completions"
MOST_BYTES = 256 * 1024  # of an answer; ten captions are 2 kB
PULSE = 0.1  # seconds between two looks at whether to stop
CONNECT = 10.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Asks the configured address, and no other.

    Args:
        url: such as https://host/v1; "/chat/completions" is put behind it.
        name: of the model, as the host calls it.
        key: sent as a bearer token; never in a message, a log or a page.
        seconds: for one whole answer.
    """

    url: str
    name: str
    key: str | None = field(default=None, repr=False)
    seconds: float = 60.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        is_plain = not (parts.username or parts.password or parts.query or parts.fragment)
        if parts.scheme not in ("http", "https") or not parts.hostname or not is_plain:
            raise StudioError(
                "The address of the language model is no http or https address without a password "
                "and a query; write BATON_LLM_URL as https://host/v1."
            )
        if self.key and parts.scheme == "http" and not is_near(parts.hostname):
            raise StudioError(
                f"The key would go to {parts.hostname} unencrypted; write BATON_LLM_URL with https, "
                "or leave BATON_LLM_KEY out."
            )
        if self.key and not (self.key.isascii() and self.key.isprintable()):
            raise StudioError("BATON_LLM_KEY holds signs that no key has; copy it again.")

    @property
    def address(self) -> str:
        """Where requests go."""
        base = self.url.rstrip("/")
        return base if base.endswith(PATH) else base + PATH

    def answer(
        self, system: str, request: str, *, seed: int, should_stop: Callable[[], bool]
    ) -> str:
        """What the model writes; see `rewording.LanguageModel`."""
        body = {
            "model": self.name,
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": request},
            ],
            "seed": seed,
        }
        told: queue.Queue[Any] = queue.Queue()
        # A daemon, so that a host that never answers keeps nobody from stopping.
        threading.Thread(target=self._ask, args=(body, told), daemon=True).start()
        patience = time.monotonic() + self.seconds + PULSE
        while time.monotonic() < patience:
            if should_stop():
                raise Cancelled()
            try:
                found = told.get(timeout=PULSE)
            except queue.Empty:
                continue
            if isinstance(found, Exception):
                raise found
            return content_of(found, self.name)
        raise self._late()

    def _ask(self, body: dict[str, Any], told: queue.Queue) -> None:
        """Puts the bytes of the answer into `told`, or what went wrong."""
        import httpx

        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        ends = time.monotonic() + self.seconds
        times = httpx.Timeout(self.seconds, connect=CONNECT)
        try:
            with (
                httpx.Client(follow_redirects=False, trust_env=False, timeout=times) as client,
                client.stream("POST", self.address, json=body, headers=headers) as reply,
            ):
                if reply.status_code != 200:
                    told.put(self._refused(reply.status_code))
                    return
                content = bytearray()
                for piece in reply.iter_bytes():
                    content += piece
                    if len(content) > MOST_BYTES:
                        told.put(self._fault(f"wrote more than {MOST_BYTES // 1024} kB"))
                        return
                    if time.monotonic() > ends:
                        told.put(self._late())
                        return
            told.put(bytes(content))
        except httpx.TimeoutException:
            told.put(self._late())
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            told.put(self._fault(f"cannot be reached ({type(error).__name__})"))

    def _refused(self, status: int) -> StudioError:
        words = {401: "it does not know the key", 403: "the key may not", 404: "no such model",
                 429: "too many requests"}  # fmt: skip
        why = words.get(status, "a redirect is not followed" if 300 <= status < 400 else "")
        return self._fault(f"answered with status {status}" + (f" ({why})" if why else ""))

    def _late(self) -> StudioError:
        return self._fault(f"gave no whole answer in {self.seconds:g} s")

    def _fault(self, what: str) -> StudioError:
        """A sentence with the host's name and nothing that came from there."""
        host = urlsplit(self.url).hostname
        return StudioError(
            f"The language model at {host} {what}; the grammar's captions stay. Check BATON_LLM_URL, "
            "BATON_LLM_KEY and BATON_LLM_MODEL, and ask again."
        )


def content_of(content: bytes, name: str) -> str:
    """The words of the first choice.

    Raises:
        StudioError: the answer is not of that form.
    """
    try:
        said = json.loads(content)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError):
        said = None
    if not isinstance(said, str):
        raise StudioError(
            f"The language model {name} did not answer as OpenAI's chat completions do; the "
            "grammar's captions stay. Check that BATON_LLM_URL is the address of such an interface."
        )
    return said


def is_near(host: str) -> bool:
    """Whether a host is this machine or one on its own network, by its name alone."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or "." not in host or host.endswith((".local", ".internal"))
    return address.is_private
