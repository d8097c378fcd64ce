"""One batch of sounds for a job: made with progress and a stop, kept, and told what is not known."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.errors import StudioError
from pipelines.records import Candidate
from studio.jobs import Desk
from studio.services.engines import Engines
from studio.services.generate.batches import Part
from studio.store.clips import Clip
from studio.store.store import Store

SOUNDS = 0.8  # share of the progress bar that the sounds take; listening has the rest


@dataclass(frozen=True)
class Maker:
    """Makes batches and keeps what comes out."""

    store: Store
    engines: Engines

    def check(self, backend: Any, parts: Sequence[Part]) -> None:
        """Nothing, or a StudioError for what this model cannot make, before any work."""
        from pipelines.generate.limits import longest_seconds

        longest, most = max(prompt.seconds for _, prompt, _ in parts), longest_seconds(backend)
        if longest > most:
            raise StudioError(
                f"The duration is {longest:g} s; {backend.name} makes at most {most:g} s. Ask for less."
            )
        backend.check([prompt for _, prompt, _ in parts], [settings for *_, settings in parts])

    def make(
        self, backend: Any, batch: list[Part], desk: Desk, *, done: int, total: int
    ) -> Iterator[tuple[int, Candidate]]:
        """The candidates of a batch, each with its place in the job.

        Args:
            backend: the model.
            batch: what to make together.
            desk: hears how far it is.
            done: sounds of this job before this batch.
            total: sounds of this job in all.
        """
        size = len(batch)
        which = f"sound {done + 1}" if size == 1 else f"sounds {done + 1} to {done + size}"

        def tell(share: float, _: str) -> None:
            progress = SOUNDS * (done + size * share) / total
            desk.tell(progress, f"making {which} of {total}, {share:.0%}")

        wanted = [(prompt, settings) for _, prompt, settings in batch]
        made = self.engines.make(backend, wanted, on_progress=tell, should_stop=desk.should_stop)
        for (place, *_), candidate in zip(batch, made, strict=True):
            yield place, candidate

    def keep(
        self,
        job: str,
        place: int,
        candidate: Candidate,
        before: Callable[[Clip], None] = lambda clip: None,
    ) -> None:
        """Remember the sound, and that it is this job's at this place.

        Args:
            job: whose result it is.
            place: where in the job.
            candidate: with its sound.
            before: looks at the clip before the candidate is remembered.
        """
        clip = self.store.clips.put(candidate.audio, candidate.sample_rate)
        before(clip)
        self.store.candidates.add(candidate, clip)
        self.store.jobs.add_candidate(job, place, candidate.id)

    def known(self, backend: Any, batch: list[Part]) -> dict[int, str] | None:
        """The candidates of a batch by place, when all of them were made before and still sound."""
        ids = {place: self.engines.id_of(backend, *asked) for place, *asked in batch}
        found = self.store.candidates.find(list(ids.values()))
        is_whole = len(found) == len(set(ids.values()))
        if is_whole and all(self.store.clips.path(one.clip).is_file() for one in found):
            return ids
        return None

    def unknown_words(self, prompts: tuple[str, ...], backend: Any) -> str:
        """A sentence naming what the model does not know, with what it knows nearby; or nothing."""
        words = dict.fromkeys(word for text in prompts for word in backend.unknown_words(text))
        if not words:
            return ""
        nearest = {word: self.engines.nearest_known(word) for word in words}
        named = [
            f"“{word}” (nearest: “{near}”)" if near and near != word else f"“{word}”"
            for word, near in nearest.items()
        ]
        more = f" and {len(named) - 8} more" if len(named) > 8 else ""
        return f"The model does not know {', '.join(named[:8])}{more}; say it in other words."
