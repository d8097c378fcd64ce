import csv
import io
import json
import zipfile

import numpy as np
import pytest

from pipelines.errors import StudioError
from studio.config import Config
from studio.services.services import Services
from tests.studio.comparing import DOG, TWO, compared
from tests.studio.sine_engines import SineEngines
from tests.studio.test_page import client_of


def test_the_routes_tell_a_comparison_to_whoever_has_the_link(config, work):
    """On a public page: the list is one's own, the comparison is for all who know its name."""
    public = Services(Config(data=config.data, on_space=True), SineEngines(config))
    owner = "a" * 32
    wish = public.check_comparison(f"{DOG}\nrain", **TWO, seconds=1)
    comparison = public.compare(owner, wish)
    work(public)
    guest, path = client_of(public, is_shared=True), f"/studio/comparisons/{comparison}"
    assert guest.get(path).json()["pairs"][0]["prompt"] == DOG
    assert guest.get("/studio/comparisons").json() == {"comparisons": []}
    mine = client_of(public, is_shared=True).get(
        "/studio/comparisons", headers={"cookie": f"baton_visitor={owner}"}
    )
    assert [one["id"] for one in mine.json()["comparisons"]] == [comparison]
    assert guest.post(f"{path}/stop").json() == {"stopping": False}
    public.close()


def test_the_routes_bring_pictures_and_downloads(services, work):
    """Figures on one scale; the report whole; a row per pair; every sound by its pair and side."""
    found = compared(services, work, f"{DOG}\n=rain falls", seed=4)
    client, path = client_of(services), f"/studio/comparisons/{found['id']}"
    figures = client.get(f"{path}/pairs/0/picture").json()
    assert figures["a"]["data"][0]["zmax"] == figures["b"]["data"][0]["zmax"]
    assert figures["scale"]["reach"] == figures["difference"]["data"][0]["zmax"]
    assert "yaxis2" in figures["a"]["layout"]

    answer = client.get(f"{path}/report.json")
    assert "attachment" in answer.headers["content-disposition"]
    report = answer.json()
    assert report["pairs"][0]["a"]["recipe"]["versions"] == {"numpy": np.__version__}
    assert report["judges"] == ["clap:evaluation@c1", "listener:annotator@l1"]
    assert "simulated" in report["judged_by"]["order"]
    assert report["request"]["b"]["revision"] == "r1"

    rows = list(csv.DictReader(io.StringIO(client.get(f"{path}/pairs.csv").text)))
    assert [row["prompt"] for row in rows] == [DOG, "'=rain falls"]
    assert rows[0]["a_integrity"] == "1"
    assert float(rows[0]["difference_clap"]) == pytest.approx(
        found["pairs"][0]["difference"]["clap"], abs=1e-6
    )

    zipped = zipfile.ZipFile(io.BytesIO(client.get(f"{path}/sounds.zip").content))
    assert zipped.namelist() == [
        "a/001.wav",
        "b/001.wav",
        "a/002.wav",
        "b/002.wav",
        "recipes.jsonl",
    ]
    files = [json.loads(line)["file"] for line in zipped.read("recipes.jsonl").splitlines()]
    assert files == zipped.namelist()[:-1]
    assert list((services.store.folder / "outgoing").iterdir()) == []


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/nothing", "no such comparison"),
        ("/nothing/pairs/0/picture", "no such comparison"),
        ("/nothing/report.json", "no such comparison"),
        ("/nothing/sounds.zip", "no such comparison"),
        ("/{id}/pairs/9/picture", "Pair 10 of this comparison is not there"),
    ],
)
def test_faults_of_the_routes_are_sentences(services, work, path, words):
    """400 and a sentence; a place that is no number is no address at all."""
    found = compared(services, work)
    client = client_of(services)
    answer = client.get("/studio/comparisons" + path.format(id=found["id"]))
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert client.get(f"/studio/comparisons/{found['id']}/pairs/x/picture").status_code == 404


def test_prompt_sets_come_with_the_studio(services):
    """Each has a title and a count, and its prompts can be compared as they are."""
    sets = services.prompt_sets()
    assert [(one["name"], one["count"]) for one in sets] == [
        ("order", 24),
        ("together", 12),
        ("single", 26),
        ("integrity", 20),
        ("temporal", 24),
        ("temporal-large", 48),
        ("demanding", 50),
    ]
    for one in sets:
        prompts = services.prompts_of(one["name"])
        assert len(services.check_comparison(prompts, **TWO).prompts) == one["count"]
    with pytest.raises(StudioError, match="no prompt set '../x'; choose demanding or integrity"):
        services.prompts_of("../x")
