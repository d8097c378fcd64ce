"""Teach the text encoder to read: which event each word names, and its place in the order told.

TangoFlux's text encoder comes pretrained. Trained on sound alone, ours left the order unread: a
linear probe told the first event of a caption from the second in 76 % of cases, the flow kept to
chance, and even taught directly that encoder no longer learnt it, where a fresh one soon did. So
the encoder first learns to read, from captions alone: no sound and no truth is needed.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import T5EncoderModel

from pipelines.generate.sizes import embedded_config
from pipelines.generate.tangoflux import build
from pipelines.recipes.world.training import Plan, train
from pipelines.recipes.world.words import world_tokenizer
from pipelines.seeds import numpy_generator
from pipelines.soundworld.captions import read_caption
from pipelines.soundworld.events import LABELS
from pipelines.soundworld.lexicon import phrases

PLAN = Plan(steps=1500, learning_rate=1e-3, warmup=50, average=0.99, seed=35)
BATCH = 128
NOWHERE = -100  # target of a word outside of every clause


class Reader(nn.Module):
    """The text encoder with two heads that only this stage needs."""

    def __init__(self, encoder: T5EncoderModel) -> None:
        super().__init__()
        self.encoder = encoder
        self.label = nn.Linear(encoder.config.d_model, len(LABELS))
        self.place = nn.Linear(encoder.config.d_model, 9)

    def losses(
        self, ids: Tensor, mask: Tensor, labels: Tensor, places: Tensor
    ) -> dict[str, Tensor]:
        """Cross-entropies over words; all arguments [captions, tokens]."""
        states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        said = {
            "label": F.cross_entropy(self.label(states).flatten(0, 1), labels.flatten()),
            "place": F.cross_entropy(self.place(states).flatten(0, 1), places.flatten()),
        }
        return {"loss": said["label"] + said["place"], **said}


def new_reader() -> Reader:
    """An untrained one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(PLAN.seed)
        _, encoder, _ = build(embedded_config(len(world_tokenizer())))
        return Reader(encoder)


def word_targets(captions: list[str]) -> tuple[Tensor, Tensor]:
    """For each token of each caption its event and its place, int64 [captions, tokens].

    A place is 3 x (events told to come before) + (events told to come after).

    >>> labels, places = word_targets(["a dog barks followed by rain falling"])
    >>> places[0].tolist()
    [1, 1, 1, -100, -100, 3, 3, -100]
    """
    found = world_tokenizer()(captions, padding=True, return_offsets_mapping=True)
    labels = torch.full((len(captions), len(found["input_ids"][0])), NOWHERE)
    places = labels.clone()
    for row, (caption, offsets) in enumerate(zip(captions, found["offset_mapping"], strict=True)):
        reading, end = read_caption(caption), 0
        for number, label in enumerate(reading.labels):
            start, end = _clause(caption, label, end)
            before = sum(j == number for _, j in reading.order)
            after = sum(i == number for i, _ in reading.order)
            for token, (first, last) in enumerate(offsets):
                if start <= first < last <= end:
                    labels[row, token] = LABELS.index(label)
                    places[row, token] = 3 * before + after
    return labels, places


def _clause(caption: str, label: str, start: int) -> tuple[int, int]:
    """Where the clause of an event stands: the longest of its wordings at its earliest place."""
    spans = [
        (caption.find(words, start), -len(words))
        for phrase in phrases(label)
        for words in (phrase.finite, phrase.gerund)
    ]
    first, size = min(span for span in spans if span[0] >= 0)
    return first, first - size


def train_reader(captions: list[str], folder: Path) -> Reader:
    """Train a new encoder to read the captions.

    Args:
        captions: of the training corpus, right or wrong about their sounds.
        folder: of the run.
    """
    model = new_reader().train()
    found = world_tokenizer()(captions, padding=True, return_tensors="pt")
    ids, mask = found["input_ids"], found["attention_mask"]
    labels, places = word_targets(captions)

    def loss_of(step: int) -> dict[str, Tensor]:
        rows = numpy_generator(PLAN.seed, "batch", step).integers(len(captions), size=BATCH)
        wide = int(mask[rows].sum(1).max())
        return model.losses(*(t[rows][:, :wide] for t in (ids, mask, labels, places)))

    return train(model, loss_of, PLAN, folder)


def share_right(model: Reader, captions: list[str]) -> dict[str, float]:
    """Of the words in clauses, how many are read right, by event and by place, 0 to 1."""
    found = world_tokenizer()(captions, padding=True, return_tensors="pt")
    labels, places = word_targets(captions)
    with torch.inference_mode():
        states = model.encoder(**{k: found[k] for k in ("input_ids", "attention_mask")})[0]
        said = {"label": model.label(states), "place": model.place(states)}
    told = labels != NOWHERE
    right = {
        "label": said["label"].argmax(-1)[told] == labels[told],
        "place": said["place"].argmax(-1)[told] == places[told],
    }
    return {name: float(np.mean(hits.numpy())) for name, hits in right.items()}
