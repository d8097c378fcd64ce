"""Captions under review over HTTP: the page's way, refusals with their status, the key nowhere."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from studio.config import Config
from studio.routes import routes
from studio.services.services import Services
from tests.studio.sine_engines import SineEngines

KEY = "sk-very-secret"


@pytest.fixture
def page(tmp_path):
    """The page's addresses, with a language model configured."""
    settings = {"llm_model": "some/where/fake", "llm_url": "http://127.0.0.1:9/v1", "llm_key": KEY}
    config = Config(data=tmp_path / "data", **settings)
    services = Services(config, SineEngines(config))
    with TestClient(Starlette(routes=routes(services))) as client:
        client.services = services
        yield client
    services.close()


def test_the_whole_way(page):
    """Begin, look, reword, order, redraw, drop, restore, add, take away, campaign, remove."""
    told = page.get("/studio/prompts").json()
    assert (told["model"], told["lists"], len(told["orders"]["3"])) == ("fake", [], 19)
    wish = {"task": "temporal", "count": 4, "seed": 3, "labels": None, "writer": "grammar"}
    home = f"/studio/prompts/{page.post('/studio/prompts', json=wish).json()['id']}"
    first = page.get(home).json()["captions"][0]

    def change(act, **body):
        answer = page.post(f"{home}/captions/1/{act}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["captions"][0]

    assert change("reword", text="all of it at once, when it begins")["needs_order"]
    assert change("order", order=0)["order_words"] == "in any order"
    assert change("redraw")["labels"] != first["labels"]
    assert change("drop")["is_dropped"] and not change("restore")["is_dropped"]
    assert page.post(f"{home}/captions", json={}).json()["count"] == 5
    table = page.get(f"{home}/captions.csv")
    assert table.text.startswith("prompt,kind,labels,promises")
    assert "attachment" in table.headers["content-disposition"]
    made = page.post(f"{home}/campaign", json={"takes": 5, "seconds": 1}).json()["campaign"]
    assert page.get(f"/studio/campaigns/{made}").json()["task"] == "temporal"
    assert page.post(f"{home}/remove", json={}).json() == {"is_removed": True}
    assert page.get(home).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "status", "sentence"),
    [
        ("", {"task": "both"}, 400, "The task is 'both'"),
        ("", {"folder": "/etc"}, 400, "There is no wish 'folder'; known are task, count"),
        ("", {"labels": {"name": "../x.csv", "text": "a"}}, 400, "has the columns a; one must be"),
        ("/nothing/campaign", {}, 404, "There is no such list of captions here"),
        ("/..%2f..%2fx/stop", {}, 404, None),
        ("/LIST/captions/1/burn", {}, 400, "A caption cannot be 'burn'; choose from reword"),
        ("/LIST/captions/99/drop", {}, 404, "There is no caption 99"),
        ("/LIST/captions/1/order", {"order": 99}, 400, "The order is 99; choose one of the 3"),
        ("/LIST/captions/1/reword", {"text": ["x"]}, 400, "give a text"),
        ("/LIST/campaign", {"model": "/etc/passwd"}, 400, "There is no model"),
        ("/LIST/campaign", {"owner": "x"}, 400, "There is no wish 'owner'"),
        ("/LIST/model", {}, 409, "No caption of this list waits"),
    ],
)
def test_refusals(page, path, body, status, sentence):
    """A status and one sentence; nothing of the disk."""
    name = page.post("/studio/prompts", json={"count": 2, "seed": 1}).json()["id"]
    answer = page.post("/studio/prompts" + path.replace("LIST", name), json=body)
    assert answer.status_code == status, answer.text
    if sentence:
        assert sentence in answer.json()["error"]


def test_a_model_that_is_not_there_is_told_and_the_key_is_nowhere(page, caplog):
    """The job fails with a sentence; neither page, log nor files hold the key."""
    caplog.set_level("DEBUG")
    name = page.post("/studio/prompts", json={"count": 2, "writer": "model"}).json()["id"]
    while page.services.worker.run_next():
        pass
    found = page.get(f"/studio/prompts/{name}")
    assert "127.0.0.1 cannot be reached" in found.json()["error"]
    assert found.json()["awaiting"] == 2
    assert KEY not in found.text + caplog.text + page.get("/studio/prompts").text
    folder = page.services.config.data
    held = [
        path for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()
    ]
    assert held == []
    assert KEY not in repr(page.services.config)
