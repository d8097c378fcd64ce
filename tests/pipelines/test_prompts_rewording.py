"""A language model words captions: what is believed of its answer; the address that is asked."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipelines.errors import Cancelled, StudioError
from pipelines.prompts.endpoint import MOST_BYTES, Endpoint
from pipelines.prompts.grammar import INTEGRITY, TEMPORAL, Ask
from pipelines.prompts.reading import read_caption
from pipelines.prompts.rewording import reword

TWO = Ask(task=INTEGRITY, labels=("Dog", "Rain"), conjunctions=("followed by",))
THREE = Ask(task=TEMPORAL, labels=("Dog", "Rain", "Siren"), conjunctions=("with", "and then"))


class Says:
    """A model that always says the same."""

    name = "parrot"

    def __init__(self, *captions: str) -> None:
        lines = enumerate(captions, 1)
        self.words = "\n".join(json.dumps({"number": n, "caption": c}) for n, c in lines)

    def answer(self, system, request, *, seed, should_stop):
        """The lines, whatever is asked."""
        return self.words


def fault(*captions: str, asks=(TWO,)) -> list[str | None]:
    """What is wrong with each."""
    said = reword(asks, Says(*captions), lambda c, labels: read_caption(c, labels, str), seed=0)
    return [answer.fault for answer in said]


def test_captions_that_say_what_was_asked_are_taken():
    """Labels, conjunctions, order: as asked."""
    good = ("A dog barks followed by heavy rain.", "a dog with rain and then a siren")
    assert fault(*good, asks=(TWO, THREE)) == [None, None]


@pytest.mark.parametrize(
    ("caption", "why"),
    [
        ("a cat meows followed by heavy rain", "The words for Dog were not found"),
        ("rain followed by a dog", "It promises another order than was asked"),
        ("a dog and rain", "does not join its events by 'followed by'"),
        ("a dog once barks followed by rain", "“once”"),
        ("", "gave no caption"),
    ],
)
def test_captions_that_do_not_are_not(caption, why):
    """Another event, another order, other conjunctions, nothing."""
    [found] = fault(caption)
    assert why in found


class Host(BaseHTTPRequestHandler):
    """Answers as `server.how` says, and remembers what it was asked."""

    def do_POST(self):
        """One of the ways below."""
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append((self.path, self.headers.get("authorization"), json.loads(body)))
        status, headers, content, pause = self.server.how
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in content:
            self.wfile.write(piece)
            self.wfile.flush()
            if self.server.ended.wait(pause):
                return

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def host():
    """A host over loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    server.daemon_threads = True
    server.asked, server.ended = [], threading.Event()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.ended.set()
    server.shutdown()
    thread.join()
    server.server_close()


def reply(words: str) -> bytes:
    """As OpenAI's chat completions answer."""
    return json.dumps({"choices": [{"message": {"content": words}}]}).encode()


def ask(host, *, seconds=5.0, key="sk-secret", should_stop=lambda: False) -> str:
    """One question to it."""
    url = f"http://127.0.0.1:{host.server_port}/v1/"
    model = Endpoint(url=url, name="m", key=key, seconds=seconds)
    return model.answer("be brief", "say it", seed=7, should_stop=should_stop)


def test_the_configured_address_is_asked_once(host):
    """Path, key, model, seed and both messages; the words come back."""
    host.how = (200, {}, [reply("hello")], 0)
    assert ask(host) == "hello"
    [(path, key, body)] = host.asked
    assert (path, key) == ("/v1/chat/completions", "Bearer sk-secret")
    assert (body["model"], body["seed"]) == ("m", 7)
    assert [one["content"] for one in body["messages"]] == ["be brief", "say it"]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ((401, {}, [b"sk-secret is wrong"], 0), r"status 401 \(it does not know the key\)"),
        ((500, {}, [b"<script>"], 0), "answered with status 500;"),
        ((307, {"location": "http://127.0.0.1:1/x"}, [], 0), "a redirect is not followed"),
        ((200, {}, [b"<html>"], 0), "did not answer as OpenAI's chat completions do"),
        ((200, {}, [b'{"choices": []}'], 0), "did not answer as OpenAI's"),
        ((200, {}, [b'{"choices": [{"message": {"content": 5}}]}'], 0), "did not answer as"),
        ((200, {}, [b"[" * 100_000], 0), "did not answer as"),
        ((200, {}, [b" " * MOST_BYTES, b" "], 0), "wrote more than 256 kB"),
    ],
)
def test_answers_that_are_none_are_told_in_a_sentence(host, how, message):
    """Nothing of what the host wrote, and never the key, stands in it."""
    host.how = how
    with pytest.raises(StudioError, match=message) as caught:
        ask(host)
    assert "secret" not in str(caught.value) and "script" not in str(caught.value)
    assert len(host.asked) == 1


def test_a_slow_host_is_not_waited_for(host):
    """One that says nothing, and one that drips: both end at the limit for the whole answer."""
    for content, pause in (([b"", b""], 3), ([b" "] * 100, 0.05)):
        host.how = (200, {}, content, pause)
        begun = time.monotonic()
        with pytest.raises(StudioError, match="gave no whole answer in 0.3 s"):
            ask(host, seconds=0.3)
        assert time.monotonic() - begun < 1.5


def test_a_stop_does_not_wait_for_the_host(host):
    """Cancelled at once."""
    host.how = (200, {}, [b"", b""], 3)
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        ask(host, seconds=30, should_stop=lambda: bool(host.asked))
    assert time.monotonic() - begun < 1.5


def test_a_host_that_is_not_there_is_told():
    """The name of the host and the settings to look at."""
    model = Endpoint(url="http://127.0.0.1:9/v1", name="m", seconds=3)
    with pytest.raises(StudioError, match=r"127.0.0.1 cannot be reached .*BATON_LLM_URL"):
        model.answer("a", "b", seed=0, should_stop=lambda: False)


@pytest.mark.parametrize(
    ("url", "key", "message"),
    [
        ("ftp://host/v1", None, "no http or https address"),
        ("host/v1", None, "no http or https address"),
        ("https://me:word@host/v1", None, "without a password"),
        ("https://host/v1?key=1", None, "without a password"),
        ("http://api.example.com/v1", "sk-1", "unencrypted"),
        ("https://host/v1", "sk\n1", "holds signs that no key has"),
    ],
)
def test_addresses_that_will_not_do(url, key, message):
    """Told when it is opened; the key is in no message and no repr."""
    with pytest.raises(StudioError, match=message) as caught:
        Endpoint(url=url, name="m", key=key)
    assert key is None or key not in str(caught.value)
    assert "sk-1" not in repr(Endpoint(url="http://localhost/v1", name="m", key="sk-1"))
