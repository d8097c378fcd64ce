"""The addresses of fine-tuning: what each answers, and that strangers and hostile words get a sentence."""

import zipfile

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from studio.config import Config
from studio.routes import routes
from studio.services.services import Services
from studio.visitors import Visitors
from tests.studio.fake_training import labelled, trained_here
from tests.studio.sine_engines import SineEngines
from tests.studio.test_finetune_folders import GOOD, zipped

MINE, OTHERS = "a" * 32, "b" * 32


@pytest.fixture
def shared(tmp_path):
    """A page of strangers: services, and a browser of each of two visitors."""
    config = Config(data=tmp_path / "data", host="0.0.0.0")
    services = Services(config, SineEngines(config))
    app = Visitors(Starlette(routes=routes(services)), is_shared=True)
    browsers = [TestClient(app, cookies={"baton_visitor": name}) for name in (MINE, OTHERS)]
    with trained_here(services):
        yield services, *browsers
    for browser in browsers:
        browser.close()
    services.close()


def test_a_run_from_the_form_to_the_files(shared, work, tmp_path):
    """Estimate, start, look, hear, take away, keep, remove; a stranger gets none of it."""
    services, mine, others = shared
    asked = {"campaigns": [labelled(services, owner=MINE)], "settings": {"seed": 2}}
    assert mine.get("/studio/finetune/sources").json()["campaigns"][0]["labels"] == 3
    assert mine.post("/studio/finetune/estimate", json=asked).json()["seconds"] > 0
    assert others.post("/studio/finetune", json=asked).status_code == 403
    run = mine.post("/studio/finetune", json=asked).json()["id"]
    assert mine.post("/studio/finetune", json=asked).status_code == 409
    work(services)
    found = mine.get(f"/studio/finetune/{run}").json()
    assert found["status"] == "done"
    assert mine.get("/studio/finetune").json()["runs"][0]["adapter"] == found["model"]["name"]
    sound = found["samples"][0]["sounds"][0]["url"]
    paths = [
        f"finetune/{run}",
        f"finetune/{run}/figures/loss",
        f"finetune/{run}/figures/dev",
        f"finetune/{run}/record.json",
        f"finetune/{run}/adapter.zip",
        sound,
    ]
    for path in paths:
        assert mine.get(f"/studio/{path}").status_code == 200, path
        assert others.get(f"/studio/{path}").status_code == 404, path
    (tmp_path / "a.zip").write_bytes(mine.get(f"/studio/finetune/{run}/adapter.zip").content)
    with zipfile.ZipFile(tmp_path / "a.zip") as bundle:
        assert bundle.namelist() == ["adapter.json", "adapter.safetensors", "record.json"]
    for act in ("stop", "resume", "keep", "remove"):
        assert others.post(f"/studio/finetune/{run}/{act}", json={"title": "x"}).status_code == 404
    kept = mine.post(f"/studio/finetune/{run}/keep", json={"title": "Mine"}).json()
    assert kept["model"]["title"] == "Mine"
    assert mine.post(f"/studio/finetune/{run}/remove", json={}).json() == {"is_removed": True}
    assert mine.get("/studio/finetune").json() == {"runs": []}


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (
            {"max_runs": 1},
            "Your runs on this shared page are 1, and a visitor may have 1; remove one",
        ),
        ({"max_kept": 1}, "is full: of trained models it keeps 1. Remove one of yours"),
    ],
)
def test_a_shared_page_has_room_for_so_much(shared, work, limit, said):
    """The second run is refused in a sentence; the first one's owner is told who sees its model."""
    services, mine, others = shared
    for name, value in limit.items():
        object.__setattr__(services.config, name, value)
    asked = {"campaigns": [labelled(services, owner=MINE)], "settings": {"seed": 2}}
    run = mine.post("/studio/finetune", json=asked).json()["id"]
    work(services)
    assert (
        "everybody can choose this model"
        in mine.get(f"/studio/finetune/{run}").json()["notices"][-1]
    )
    refused = mine.post("/studio/finetune", json=asked)
    assert refused.status_code == 409 and said in refused.json()["error"]
    mine.post(f"/studio/finetune/{run}/remove", json={})
    assert mine.post("/studio/finetune", json=asked).status_code == 200
    work(services)


def test_a_folder_comes_as_the_body(shared, tmp_path):
    """Too large, empty or no zip is refused, and nothing is left of it."""
    services, mine, others = shared
    content = zipped(tmp_path, GOOD).read_bytes()
    told = mine.post("/studio/finetune/folders?title=Weather", content=content).json()
    assert (told["title"], told["sounds"]) == ("Weather", 3)
    assert mine.get("/studio/finetune/sources").json()["folders"][0]["id"] == told["id"]
    assert others.get("/studio/finetune/sources").json()["folders"] == []
    assert others.post(f"/studio/finetune/folders/{told['id']}/remove").status_code == 404
    assert mine.post(f"/studio/finetune/folders/{told['id']}/remove").status_code == 200
    assert mine.post("/studio/finetune/folders").json()["error"].startswith("Nothing was sent")
    assert "no zip" in mine.post("/studio/finetune/folders", content=b"x").json()["error"]
    object.__setattr__(services.config, "on_space", True)
    many = b"x" * (101 * 10**6)
    answer = mine.post("/studio/finetune/folders", content=many)
    assert (answer.status_code, answer.json()["error"][:18]) == (413, "More than 100 MB w")
    assert not list((services.config.data / "outgoing").glob("*"))


@pytest.mark.parametrize("name", ["0" * 32, "x", "%00", "..%2f..%2fetc", "a" * 5000])
def test_what_is_no_run_is_not_found(shared, name):
    """404 and a sentence, whatever is in its place."""
    _, mine, _ = shared
    for path in ("", "/record.json", "/adapter.zip", "/figures/loss", "/samples/0/0.wav"):
        answer = mine.get(f"/studio/finetune/{name}{path}")
        assert answer.status_code == 404
    assert mine.post(f"/studio/finetune/{name}/stop").status_code == 404


def test_a_figure_that_is_none_is_refused(shared, work):
    """As is a wish that is no object of ours."""
    services, mine, _ = shared
    asked = {"campaigns": [labelled(services, owner=MINE)]}
    run = mine.post("/studio/finetune", json=asked).json()["id"]
    assert mine.get(f"/studio/finetune/{run}/figures/loss").status_code == 400  # nothing yet
    assert mine.get(f"/studio/finetune/{run}/figures/secret").status_code == 400
    for body in ({}, {"campaigns": [7]}, {"campaigns": ["'; drop table jobs; --"]}, {"x": 1}):
        answer = mine.post("/studio/finetune", json=body)
        assert answer.status_code in {400, 404}
        assert answer.json()["error"].endswith(".")
