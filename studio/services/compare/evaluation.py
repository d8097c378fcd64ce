"""Measure sets of sounds: every metric that they allow, each with its judge and its counts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import StudioError
from pipelines.seeds import check_seed
from studio.services.compare.embedding_store import EmbeddingStore
from studio.services.compare.measuring import METRICS, Wish, Work
from studio.services.engines import Engines
from studio.services.sound_folders import Sound, Survey, survey, told_captions

if TYPE_CHECKING:
    from pipelines.embedders import Embedder

PACKAGES = ("numpy", "scipy", "torch", "transformers", "soxr", "soundfile")  # that move a figure
Progress = Callable[[float, str], None]


class Evaluation:
    """Use-case: distances, scores and verdicts of sounds that lie anywhere on this disk.

    Args:
        engines: the listener, and where to compute.
        data: the data folder; embeddings are kept below it.
    """

    def __init__(self, engines: Engines, data: Path) -> None:
        self.engines = engines
        self.kept = EmbeddingStore(data / "embeddings")
        self.opened: dict[str, Embedder] = {}

    def evaluate(
        self,
        generated: Sequence[Sound],
        reference: Sequence[Sound] = (),
        wish: Wish | None = None,
        *,
        against: Sequence[Sound] = (),
        on_progress: Progress = lambda share, note: None,
    ) -> dict[str, Any]:
        """All that can be said of the generated sounds.

        Args:
            generated: at least one; captions let CLAP and the listener judge, and are read from our
                own files where none are given.
            reference: real sounds, for the distances; of the same names as the generated ones where
                they belong together, for KL.
            wish: what to measure; None for all, with the evaluation CLAP.
            against: another model's sounds for the same prompts, by the same names: the change in
                distance from them to the generated ones.

        Returns:
            `results` in the shape of `pipelines.compare.results`, `left_out` (metric and why),
            `notices`, a survey of each set, `settings` and `versions`.

        Raises:
            StudioError: nothing can be measured, or a metric that was asked for cannot be.
        """
        wish = check_wish(wish or Wish())
        sets = {"generated": generated, "reference": reference, "against": against}
        embedders = [self._open(name) for name in wish.embedders]
        step = stepper(sets, len(embedders), on_progress)
        surveys = {name: survey(sounds, name, step) for name, sounds in sets.items() if sounds}
        work = Work(
            wish=wish, generated=told_captions(generated), reference=reference, against=against,
            embedders=embedders, kept=self.kept, engines=self.engines, on_sound=step,
        )  # fmt: skip
        results, left_out = measure_all(work)
        on_progress(1.0, "done")
        return {
            "results": results,
            "left_out": left_out,
            "notices": notices(surveys),
            "sets": {name: asdict(found) for name, found in surveys.items()},
            "settings": asdict(wish),
            "versions": {package: version(package) for package in PACKAGES},
        }

    def _open(self, asked: str) -> "Embedder":
        from pipelines.embedders import open_embedder

        if asked not in self.opened:
            name, _, weights = asked.partition("=")
            self.opened[asked] = open_embedder(
                name, weights=weights or None, device=self.engines.config.device or "cpu"
            )
        return self.opened[asked]


def check_wish(wish: Wish) -> Wish:
    """The wish, or a StudioError for the first thing in it that cannot be done."""
    unknown = [name for name in wish.metrics or () if name not in METRICS]
    if unknown:
        raise StudioError(f"There is no metric {unknown[0]!r}; choose from {', '.join(METRICS)}.")
    if not wish.embedders:
        raise StudioError("No embedder is named; give one, such as clap-evaluation.")
    check_seed(wish.seed)
    return wish


def stepper(
    sets: Mapping[str, Sequence[Sound]], embedders: int, on_progress: Progress
) -> Callable[[str], None]:
    """Counts sounds as they are read, embedded and heard; the last of them is a guess."""
    total = sum(map(len, sets.values())) * (1 + embedders) + len(sets["generated"])
    done = [0]

    def step(note: str) -> None:
        done[0] += 1
        on_progress(min(0.99, done[0] / total), note)

    return step


def measure_all(work: Work) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """The results, and what was left out with its reason.

    Raises:
        StudioError: a metric that was asked for by name cannot be had, or none at all can.
    """
    results, left_out, why = [], [], None
    for name in work.wish.metrics or METRICS:
        try:
            results += METRICS[name](work)
        except StudioError as error:
            if work.wish.metrics is not None:
                raise
            why = why or error
            left_out.append({"metric": name, "why": str(error)})
    if not results and why is not None:
        raise why
    return results, left_out


def notices(surveys: Mapping[str, Survey]) -> list[str]:
    """What a reader of the figures must know of the sounds."""
    said = []
    for name, found in surveys.items():
        if found.silent:
            said.append(
                f"{len(found.silent)} of {found.count} {name} sounds are silent and were measured "
                f"as they are, the first {found.silent[0]}."
            )
    rates = {found.rates for found in surveys.values()}
    if len(rates) > 1:
        told = "; ".join(f"{n} {'/'.join(map(str, s.rates))} Hz" for n, s in surveys.items())
        said.append(
            f"The sets have different sample rates ({told}): what one of them cannot hold counts "
            "as distance."
        )
    return said
