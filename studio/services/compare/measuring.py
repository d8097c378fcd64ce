"""Each metric on the sets at hand, or the sentence that says what it lacks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.audio import read_audio
from pipelines.compare import events, frechet, kernel, probabilities, similarity
from pipelines.errors import StudioError
from studio.services.compare.embedding_store import EmbeddingStore
from studio.services.engines import Engines
from studio.services.sound_folders import Sound

if TYPE_CHECKING:
    from pipelines.embedders import Embedder

LISTENER = "annotator (simulated)"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is measured, with what."""

    embedders: tuple[str, ...] = ("clap-evaluation",)  # NAME or NAME=WEIGHTS; never the reward's
    metrics: tuple[str, ...] | None = None  # None: all that the inputs allow
    seed: int = 0
    splits: int = probabilities.SPLITS
    direction: str = probabilities.DIRECTIONS[0]
    activation: str = "softmax"
    bandwidth: str = "reference"


@dataclass(kw_only=True)
class Work:
    """One evaluation under way: the sets, the opened embedders, and what was found so far."""

    wish: Wish
    generated: Sequence[Sound]
    reference: Sequence[Sound]
    against: Sequence[Sound]
    embedders: "list[Embedder]"
    kept: EmbeddingStore
    engines: Engines
    on_sound: Callable[[str], None]
    found: dict[Any, Any] = field(default_factory=dict)

    def rows(self, embedder: "Embedder", side: str) -> tuple[np.ndarray, np.ndarray]:
        """The rows of one of the sets and whose they are, embedded once."""
        key = (id(embedder), side)
        if key not in self.found:
            self.found[key] = self.kept.rows(embedder, getattr(self, side), self.on_sound)
        return self.found[key]

    def logits(self, classifier: Any, side: str) -> np.ndarray:
        """The logits of one of the sets, in the order of its sounds."""
        key = (id(classifier), side, "logits")
        if key not in self.found:
            self.found[key] = self.kept.logits(classifier, getattr(self, side), self.on_sound)
        return self.found[key]

    def heard(self) -> list[events.Heard]:
        """What the simulated annotator found of each generated sound."""
        if "heard" not in self.found:
            self.found["heard"] = [self._hear(sound) for sound in self.generated]
        return self.found["heard"]

    def _hear(self, sound: Sound) -> events.Heard:
        audio, rate = read_audio(sound.path)
        verdict = self.engines.listener().hear(audio, rate).verdict(sound.caption or "")
        self.on_sound(f"{LISTENER} listens")
        return events.Heard(
            asked=tuple(verdict.asked),
            missing=tuple(verdict.missing),
            order=tuple(verdict.order_pairs),
        )


def frechet_results(work: Work) -> list[dict[str, Any]]:
    """FD or FAD, by each embedder."""
    return [judged(frechet.evaluate(*pair, seed=work.wish.seed, **clips), embedder)
            for embedder, pair, clips in distances(work)]  # fmt: skip


def kernel_results(work: Work) -> list[dict[str, Any]]:
    """KAD, by each embedder."""
    return [judged(kernel.evaluate(*pair, bandwidth=work.wish.bandwidth, **clips), embedder)
            for embedder, pair, clips in distances(work)]  # fmt: skip


def distances(work: Work) -> list[tuple[Any, tuple[np.ndarray, np.ndarray], dict[str, Any]]]:
    """Each embedder with both sets and what `evaluate` wants to know of them."""
    if not work.reference:
        raise StudioError("A distance needs a reference; give a folder of real sounds.")
    found = []
    for embedder in work.embedders:
        one, of_one = work.rows(embedder, "reference")
        other, of_other = work.rows(embedder, "generated")
        told = {"embedder": embedder.name, "reference_clips": of_one, "generated_clips": of_other}
        found.append((embedder, (one, other), told))
    return found


def change_results(work: Work) -> list[dict[str, Any]]:
    """By how much the generated set is farther from the reference than the other model's."""
    if not work.reference or not work.against:
        raise StudioError(
            "A change in distance needs a reference and another model's sounds to go against."
        )
    places = paired(work.generated, work.against, "A change in distance", "other model's")
    whole = [embedder for embedder in work.embedders if embedder.row_seconds is None]
    if not whole:
        raise StudioError(
            f"A change in distance needs an embedder with one row a sound; "
            f"{work.embedders[0].name} gives several."
        )
    return [
        judged(
            frechet.evaluate_change(
                work.rows(embedder, "reference")[0], work.rows(embedder, "generated")[0],
                work.rows(embedder, "against")[0][places], embedder=embedder.name,
                seed=work.wish.seed,
            ),
            embedder,
        )
        for embedder in whole
    ]  # fmt: skip


def divergence_results(work: Work) -> list[dict[str, Any]]:
    """KL of the sounds that belong together, by each classifier."""
    if not work.reference:
        raise StudioError("KL needs a reference; give a folder of real sounds.")
    heard = classifiers(work, "KL")
    places = paired(work.generated, work.reference, "KL", "reference")
    return [
        judged(
            probabilities.evaluate_divergence(
                work.logits(classifier, "reference")[places], work.logits(classifier, "generated"),
                classifier=classifier.name, seed=work.wish.seed, direction=work.wish.direction,
                activation=work.wish.activation,
            ),
            classifier,
        )
        for classifier in heard
    ]  # fmt: skip


def inception_results(work: Work) -> list[dict[str, Any]]:
    """The Inception score, by each classifier."""
    return [
        judged(
            probabilities.evaluate_inception(
                work.logits(classifier, "generated"), classifier=classifier.name,
                seed=work.wish.seed, splits=work.wish.splits,
            ),
            classifier,
        )
        for classifier in classifiers(work, "IS")
    ]  # fmt: skip


def clap_results(work: Work) -> list[dict[str, Any]]:
    """The CLAP score, by each CLAP."""
    from pipelines.embedders.clap import ClapEmbedder

    claps = [embedder for embedder in work.embedders if isinstance(embedder, ClapEmbedder)]
    if not claps:
        raise StudioError("The CLAP score needs a CLAP among the embedders; add clap-evaluation.")
    captions = captions_of(work, "The CLAP score")
    return [
        judged(
            similarity.evaluate_clap_score(
                work.rows(embedder, "generated")[0], embedder.clap.embed_text(captions),
                embedder=embedder.name, seed=work.wish.seed,
            ),
            embedder,
        )
        for embedder in claps
    ]  # fmt: skip


def diversity_results(work: Work) -> list[dict[str, Any]]:
    """How unlike each other the sounds are, by each embedder with one row a sound."""
    found = [embedder for embedder in work.embedders if embedder.row_seconds is None]
    if not found:
        raise StudioError(
            f"Diversity needs an embedder with one row a sound; {work.embedders[0].name} gives "
            "several."
        )
    return [
        judged(
            similarity.evaluate_diversity(
                work.rows(embedder, "generated")[0], embedder=embedder.name, seed=work.wish.seed
            ),
            embedder,
        )
        for embedder in found
    ]


def integrity_results(work: Work) -> list[dict[str, Any]]:
    """Whether every named event sounds, by the simulated annotator."""
    captions_of(work, "Integrity")
    return [events.evaluate_integrity(work.heard(), listener=LISTENER)]


def order_results(work: Work) -> list[dict[str, Any]]:
    """Whether the stated order is kept, by the simulated annotator."""
    captions_of(work, "Order")
    return [events.evaluate_order(work.heard(), listener=LISTENER)]


METRICS: dict[str, Callable[[Work], list[dict[str, Any]]]] = {
    "fd": frechet_results,
    "fd-change": change_results,
    "kad": kernel_results,
    "kl": divergence_results,
    "is": inception_results,
    "clap": clap_results,
    "diversity": diversity_results,
    "integrity": integrity_results,
    "order": order_results,
}


def judged(found: dict[str, Any], embedder: "Embedder") -> dict[str, Any]:
    """The result with the weights and the settings of its judge."""
    judge = {**found["judge"], "revision": embedder.revision, "settings": embedder.settings}
    return {**found, "judge": judge}


def classifiers(work: Work, what: str) -> list[Any]:
    """The embedders that also tell classes."""
    from pipelines.embedders import KNOWN, Classifier

    found = [embedder for embedder in work.embedders if isinstance(embedder, Classifier)]
    if not found:
        names = " or ".join(f"{name}=WEIGHTS" for name, known in KNOWN.items()
                            if known.is_classifier)  # fmt: skip
        raise StudioError(f"{what} needs a classifier among the embedders; add {names}.")
    return found


def paired(one: Sequence[Sound], other: Sequence[Sound], what: str, whose: str) -> list[int]:
    """Where in the other set the sound of each name lies.

    Raises:
        StudioError: other counts, or a name that the other set lacks.
    """
    places = {sound.name: place for place, sound in enumerate(other)}
    without = [sound.name for sound in one if sound.name not in places]
    if without or len(one) != len(other):
        missing = f"; {without[0]} is in one alone" if without else ""
        raise StudioError(
            f"{what} goes sound by sound: there are {len(one)} generated and {len(other)} {whose} "
            f"sounds{missing}; give each pair one name."
        )
    return [places[sound.name] for sound in one]


def captions_of(work: Work, what: str) -> list[str]:
    """The caption of every generated sound."""
    without = [sound.name for sound in work.generated if not sound.caption]
    if without:
        raise StudioError(
            f"{what} needs captions, and {len(without)} of {len(work.generated)} sounds have none "
            f"(the first {without[0]}); give a CSV with the columns file and caption."
        )
    return [sound.caption or "" for sound in work.generated]
