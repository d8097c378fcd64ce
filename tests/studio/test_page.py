import json
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from studio.routes import routes
from studio.security import SecurityHeaders, is_foreign_change
from studio.visitors import HERE, Visitors

ROOT = Path(__file__).resolve().parents[2]


def client_of(services, is_shared=False) -> TestClient:
    """The routes behind the same middleware as on the page."""
    app = Starlette(
        routes=[*routes(services), Route("/", lambda request: PlainTextResponse("page"))],
        middleware=[Middleware(SecurityHeaders), Middleware(Visitors, is_shared=is_shared)],
    )
    return TestClient(app, base_url="https://studio.test")


@pytest.fixture
def made(services, work):
    """The cards of a finished run of two."""
    job = services.generate(HERE, services.check("a dog <b>${1}</b>", count=2, seconds=1))
    work(services)
    return services.views.job(job, HERE)


def test_every_answer_carries_the_security_headers(services):
    """Only this host, no guessing of types, frames from Hugging Face alone."""
    for path in ("/", "/studio/history", "/studio/nothing"):
        headers = client_of(services).get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'self' https://huggingface.co" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_another_site_may_not_change_anything(services, made):
    """A foreign Origin is refused, its own passes, a program without one passes."""
    client, path = client_of(services), f"/studio/jobs/{made['id']}/stop"
    assert client.post(path, headers={"origin": "https://evil.test"}).status_code == 403
    assert client.post(path, headers={"origin": "null"}).status_code == 403
    assert client.post(path, headers={"origin": "https://studio.test"}).status_code == 200
    assert client.post(path).json() == {"stopping": False}
    assert client.get(path).status_code == 405


def test_a_proxy_may_hide_our_name():
    """On a Space the page's own name counts as ours even when the proxy calls us otherwise."""
    scope = {
        "method": "POST",
        "headers": [(b"host", b"10.0.0.1:7860"), (b"origin", b"https://us.hf.space")],
    }
    assert is_foreign_change(scope) is True
    assert is_foreign_change(scope, "us.hf.space") is False


def test_sounds_are_served_with_byte_ranges(services, made):
    """A browser may seek; the bytes are those of the clip."""
    client, card = client_of(services), made["cards"][0]
    path = f"/studio/candidates/{card['id']}/sound.wav"
    whole = client.get(path)
    part = client.get(path, headers={"range": "bytes=0-3"})
    assert whole.headers["content-type"] == "audio/wav"
    assert (part.status_code, part.content) == (206, b"RIFF")
    assert whole.content == services.store.clips.path(card["clip"]).read_bytes()


def test_a_picture_is_a_figure_and_downloads_are_cleaned_up(services, made):
    """The timeline is in it once the listener has listened; nothing stays in the way out."""
    client, card = client_of(services), made["cards"][0]
    figure = client.get(f"/studio/candidates/{card['id']}/picture").json()
    assert [trace["type"] for trace in figure["data"]] == ["heatmap", "bar", "bar"]
    got = client.get(f"/studio/candidates/{card['id']}/download.flac")
    assert got.content[:4] == b"fLaC"
    assert client.get(f"/studio/jobs/{made['id']}/all.wav.zip").content[:2] == b"PK"
    assert list((services.store.folder / "outgoing").iterdir()) == []


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("candidates/nobody/sound.wav", "There is no candidate 'nobody'"),
        ("jobs/nothing", "There is no such run here"),
        ("candidates/{id}/download.exe", "A download cannot be 'exe'; choose wav or flac."),
    ],
)
def test_faults_come_back_as_sentences(services, made, path, words):
    """400 and the words, as on the page."""
    answer = client_of(services).get("/studio/" + path.format(id=made["cards"][0]["id"]))
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_folders_do_not_leak(services):
    """Neither sources beside the page's own files, nor anything above them."""
    client = client_of(services)
    assert client.get("/studio/components/card.js").status_code == 200
    for path in (
        "components/../elements.py",
        "components/%2e%2e/elements.py",
        "assets/../../app.py",
    ):
        assert client.get(f"/studio/{path}").status_code in (400, 404)


def test_favourites_go_and_come(services, made):
    """Liked is listed, unliked is not."""
    client, one = client_of(services), made["cards"][1]["id"]
    client.post(f"/studio/candidates/{one}/favourite?liked=1")
    assert [card["id"] for card in client.get("/studio/favourites").json()["cards"]] == [one]
    client.post(f"/studio/candidates/{one}/favourite?liked=0")
    assert client.get("/studio/favourites").json() == {"cards": []}


def test_visitors_of_a_public_page_see_their_own_runs(services, made):
    """Each browser gets a name; one's own machine needs none."""
    assert len(client_of(services).get("/studio/history").json()["runs"]) == 1
    public = client_of(services, is_shared=True)
    object.__setattr__(services.config, "shared", True)
    answer = public.get("/studio/history")
    assert answer.json() == {"runs": []}
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    again = public.get("/studio/history")
    assert "set-cookie" not in again.headers
    job = public.post(f"/studio/candidates/{made['cards'][0]['id']}/vary?count=2").json()["job"]
    assert public.get(f"/studio/jobs/{job}").status_code == 200
    assert client_of(services, is_shared=True).get(f"/studio/jobs/{job}").status_code == 400


PROBE = """
import json, pathlib, sys
from studio.config import Config
from studio.services.services import Services
from studio.shell import build_page, launch_options
services = Services(Config(data=pathlib.Path(sys.argv[1])))
page = build_page(services)
launch_options(services)
heavy = [name for name in ("torch", "diffusers", "transformers", "plotly", "scipy") if name in sys.modules]
names = list(page.get_api_info()["named_endpoints"])
print(json.dumps({"heavy": heavy, "endpoints": names}))
services.close()
"""


def test_opening_the_page_loads_no_torch(tmp_path):
    """Nor any other model library; and only the named endpoint is public."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "heavy": [],
        "endpoints": ["/generate", "/compare"],
    }


def test_faults_of_a_handler_reach_the_page_as_words(caplog):
    """A StudioError unchanged; anything else as a reference to the log."""
    import gradio as gr

    from pipelines.errors import StudioError
    from studio.tabs.door import shown

    def fail(error):
        raise error

    with pytest.raises(gr.Error, match="Ask for less."):
        shown(fail)(StudioError("Ask for less."))
    with pytest.raises(gr.Error, match="our fault, not yours; the log has it under [0-9a-f]{8}"):
        shown(fail)(ZeroDivisionError("secret"))
    assert "secret" in caplog.text
