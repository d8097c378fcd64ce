"""What lies in assets: small enough, half precision, loadable, measured, and able to hear order."""

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from pipelines.generate.checkpoints import available, load
from pipelines.generate.sampling import generate
from pipelines.recipes.world.card import card
from pipelines.records import Prompt, Settings
from pipelines.soundworld import listeners

ASSETS = Path(__file__).parents[1] / "assets"
WEIGHTS = sorted(ASSETS.rglob("*.safetensors"))


@pytest.fixture(scope="module")
def embedded():
    """The embedded model."""
    return load("embedded")


def test_weights_are_small_and_in_half_precision():
    """At most 15 MiB a file and 32 MB in all; every tensor float16."""
    assert {"embedded", "embedded-clean"} <= {info.name for info in available()}
    sizes = [path.stat().st_size for path in WEIGHTS]
    assert max(sizes) <= 15 * 2**20 and sum(sizes) <= 32_000_000
    for path in WEIGHTS:
        with safe_open(path, "pt") as file:
            kinds = {file.get_slice(name).get_dtype() for name in file.keys()}
            assert kinds <= {"F16", "I64"}, path


def test_the_card_says_what_the_evaluation_found():
    """No figure in it was typed: the card is a function of evaluation.json."""
    result = json.loads((ASSETS / "embedded" / "evaluation.json").read_text())
    assert (ASSETS / "embedded" / "README.md").read_text() == card(result)


def test_the_evaluation_is_of_these_weights(embedded):
    """Figures of other weights would be somebody else's."""
    result = json.loads((ASSETS / "embedded" / "evaluation.json").read_text())
    assert result["revisions"]["embedded"] == embedded.revision
    assert result["revisions"]["embedded-clean"] == load("embedded-clean").revision


def test_every_opening_of_the_test_judge_has_a_reason():
    """The log that the design asks for is kept beside the judge."""
    rows = [
        json.loads(x) for x in (ASSETS / "test-judge" / "openings.jsonl").read_text().splitlines()
    ]
    assert rows and all(row["reason"] and row["at"] for row in rows)


def test_swapped_captions_are_told_apart_by_the_text_encoder(embedded):
    """All text positions are equal to the transformer, so the text encoder alone carries order."""
    texts = ["a dog barks followed by rain falling", "rain falls followed by a dog barking"]
    with torch.no_grad():
        states = embedded.encode_text(texts, [10.0, 10.0])
    noise = torch.randn(1, 64, 64, generator=torch.Generator().manual_seed(0)).expand(2, -1, -1)
    with torch.no_grad():
        answers = embedded.predict(noise, torch.full((2,), 0.9), states).float()
    apart = (answers[0] - answers[1]).norm() / answers[0].norm()
    assert apart > 0.05


@pytest.mark.parametrize(
    "text, label", [("rain falls", "Rain"), ("a church bell rings", "Church bell")]
)
def test_the_embedded_model_makes_what_is_asked(embedded, text, label):
    """One sound, heard by the simulated annotator."""
    torch.set_num_threads(min(2, os.cpu_count() or 1))
    found = next(generate(embedded, [Prompt(text=text, seconds=6.0)],
                          settings=Settings(seed=3, guidance=embedded.default_guidance)))  # fmt: skip
    heard = listeners.load("annotator").hear(found.audio, found.sample_rate)
    assert label in {event.label for event in heard.events}
