"""Further sounds for the reward model: which prompts, made by the base behind what people wait for."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from pipelines.errors import Cancelled, StudioError
from pipelines.records import Prompt, Settings
from pipelines.seeds import fork, numpy_generator
from studio.jobs import Desk
from studio.services.engines import Engines
from studio.services.finetune.judged import Judged
from studio.services.finetune.run_folder import FURTHER, RunFolder
from studio.services.finetune.settings import EMBEDDED
from studio.services.generate.batches import BATCH, Part
from studio.services.generate.making import Maker
from studio.store.store import Store

TAKES = 5  # sounds of a prompt, as in papers/baton.txt 4.1
BEGUN, ENDED = 0.02, 0.25  # of the run's progress bar, in which this lies
MADE = 0.8  # of that, for making; scoring has the rest


@dataclass(frozen=True)
class Further:
    """Makes further sounds and has them scored."""

    store: Store
    engines: Engines
    maker: Maker

    def make(self, base: str, prompts: Sequence[Prompt], count: int, seed: int, desk: Desk) -> Any:
        """The sounds as (SHA-256, prompt), or None where others go first; made ones are kept.

        Args:
            base: the model that is to be aligned.
            prompts: of which each gets as many takes as are needed.
            count: how many sounds.
            seed: names those of the sounds.
            desk: hears how far it is.

        Raises:
            Cancelled: a stop was asked for.
        """
        desk.tell(BEGUN, "loading the model")
        backend = self.engines.backend(base)
        if desk.should_stop():
            raise Cancelled()
        parts = parts_of(backend, prompts, count, seed)
        self.maker.check(backend, parts)
        found: list[tuple[str, Prompt]] = []
        for start in range(0, count, BATCH):
            if desk.should_stop():
                raise Cancelled()
            if desk.should_give_way():
                return None
            batch = parts[start : start + BATCH]
            ids = self.maker.known(backend, batch) or self._make(backend, batch, count, desk)
            clips = {one.id: one.clip for one in self.store.candidates.find(list(ids.values()))}
            found += [(clips[ids[place]], prompt) for place, prompt, _ in batch]
        return found

    def score(
        self, run: RunFolder, found: Sequence[tuple[str, Prompt]], scorer: Any, desk: Desk
    ) -> bool:
        """Write a reward for every sound into the run's folder; False where others go first."""
        told = run.read(FURTHER, {"revision": scorer.revision, "sounds": []})
        if told["revision"] != scorer.revision:
            raise StudioError(
                "The reward model was trained anew since this run began; start a new run with it."
            )
        sounds = told["sounds"]
        there = {(one["clip"], one["caption"]) for one in sounds}
        left = [one for one in found if (one[0], one[1].text) not in there]
        for start in range(0, len(left), BATCH):
            if desk.should_stop():
                raise Cancelled()
            if desk.should_give_way():
                return False
            done = len(found) - len(left) + start
            share = BEGUN + (ENDED - BEGUN) * (MADE + (1 - MADE) * done / len(found))
            desk.tell(share, f"scoring further sound {done + 1} of {len(found)}")
            sounds += self._scored(left[start : start + BATCH], scorer)
            run.write(FURTHER, told)
        run.write(FURTHER, told)
        return True

    def _make(self, backend: Any, batch: Sequence[Part], count: int, desk: Desk) -> dict[int, str]:
        """One batch, made and kept: the id of each candidate by its place."""
        first = batch[0][0]

        def tell(share: float, _: str) -> None:
            done = (first + share * len(batch)) / count
            desk.tell(
                BEGUN + (ENDED - BEGUN) * MADE * done,
                f"making further sound {first + 1} of {count} for the reward",
            )

        wanted = [(prompt, settings) for _, prompt, settings in batch]
        made = self.engines.make(backend, wanted, on_progress=tell, should_stop=desk.should_stop)
        ids = {}
        for (place, *_), candidate in zip(batch, made, strict=True):
            clip = self.store.clips.put(candidate.audio, candidate.sample_rate)
            self.store.candidates.add(candidate, clip)
            ids[place] = candidate.id
        return ids

    def _scored(self, batch: Sequence[tuple[str, Prompt]], scorer: Any) -> list[dict[str, Any]]:
        """Rows of these sounds with their rewards."""
        heard = [self.store.clips.read(clip) for clip, _ in batch]
        texts = [prompt.text for _, prompt in batch]
        rewards = scorer.score([audio for audio, _ in heard], heard[0][1], texts)
        return [
            {"clip": clip, "caption": prompt.text, "seconds": prompt.seconds, "score": float(r)}
            for (clip, prompt), r in zip(batch, rewards, strict=True)
        ]


def parts_of(backend: Any, prompts: Sequence[Prompt], count: int, seed: int) -> list[Part]:
    """What to make: take by take of every prompt, until there are enough.

    They are drawn as in the study of BATON: guided sounds would teach the guidance, which is then
    applied once more.
    """
    guidance = candidate_guidance() or backend.default_guidance
    parts = []
    for place in range(count):
        take, which = divmod(place, len(prompts))
        settings = Settings(
            model=backend.name,
            seed=fork(seed, "further", which, take),
            steps=backend.default_steps,
            guidance=guidance,
            dtype=backend.dtype,
        )
        parts.append((place, prompts[which], settings))
    return parts


def candidate_guidance() -> float | None:
    """The guidance at which sounds to learn from are best made; None: the model's own."""
    from pipelines.recipes.baton.study import StudyConfig

    return StudyConfig().candidate_guidance


def further_prompts(base: str, sounds: Sequence[Judged], count: int, seed: int) -> list[Prompt]:
    """Prompts for so many further sounds, five sounds each.

    For the embedded world captions as the study of BATON draws them, with their lengths, of the
    kinds that were judged and of events that were not judged together; for other models the judged
    prompts themselves, to be made anew.

    Args:
        base: the model that makes them.
        sounds: the judged ones.
        count: how many sounds are to be made.
        seed: names the draw.
    """
    wanted = -(-count // TAKES)
    if base.startswith(EMBEDDED):
        return world_prompts({groups_of(one) for one in sounds}, wanted, seed)
    seconds = {one.caption: one.seconds for one in sounds}
    return [Prompt(text=text, seconds=length) for text, length in seconds.items()][:wanted]


def world_prompts(met: Set[frozenset[str]], count: int, seed: int) -> list[Prompt]:
    """Prompts of the train split of the embedded world, two and three events by turns.

    Args:
        met: the events of each judged prompt; how many they are says which kinds are wanted.
        count: how many at most; fewer where no more were drawn.
        seed: names the draw.
    """
    from pipelines.prompts.grammar import SIZES
    from pipelines.recipes.baton.asking import asked_captions
    from pipelines.recipes.baton.study import StudyConfig
    from pipelines.soundworld.captions import read_caption

    sizes = {len(one) for one in met}
    tasks = [task for task, size in SIZES.items() if size in sizes] or list(SIZES)
    asked = asked_captions(StudyConfig(prompts=count + len(met), seed=seed))
    order = numpy_generator(seed, "further prompts").permutation(len(asked))
    fresh = [
        asked[place]
        for place in order
        if asked[place].task in tasks
        and frozenset(read_caption(asked[place].text).labels) not in met
    ]
    by_task = [[one for one in fresh if one.task == task] for task in tasks]
    turns = [one for both in zip_longest(*by_task) for one in both if one is not None]
    return [Prompt(text=one.text, seconds=one.seconds) for one in turns[:count]]


def groups_of(sound: Judged) -> frozenset[str]:
    """The events that a sound's prompt asks for, as it tells them or as its words are read."""
    from pipelines.soundworld.captions import read_caption

    return frozenset(sound.labels or read_caption(sound.caption).labels)
