"""Further sounds for the reward model: which prompts, made by the base behind what people wait for."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from pipelines.errors import Cancelled, StudioError
from pipelines.records import Prompt, Settings
from pipelines.seeds import fork
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
    """What to make: take by take of every prompt, until there are enough."""
    parts = []
    for place in range(count):
        take, which = divmod(place, len(prompts))
        settings = Settings(
            model=backend.name,
            seed=fork(seed, "further", which, take),
            steps=backend.default_steps,
            guidance=backend.default_guidance,
            dtype=backend.dtype,
        )
        parts.append((place, prompts[which], settings))
    return parts


def further_prompts(base: str, sounds: Sequence[Judged], count: int, seed: int) -> list[Prompt]:
    """Prompts for so many further sounds, five sounds each.

    For the embedded world new combinations of its events, of the train split, as many events as the
    judged prompts ask for; for other models the judged prompts themselves, to be made anew.

    Args:
        base: the model that makes them.
        sounds: the judged ones.
        count: how many sounds are to be made.
        seed: names the draw.
    """
    seconds = Counter(one.seconds for one in sounds).most_common(1)[0][0]
    wanted = -(-count // TAKES)
    if base.startswith(EMBEDDED):
        texts = world_prompts([groups_of(one) for one in sounds], wanted, split="train", seed=seed)
    else:
        texts = list(dict.fromkeys(one.caption for one in sounds))[:wanted]
    return [Prompt(text=text, seconds=seconds) for text in texts]


def world_prompts(met: Sequence[frozenset[str]], count: int, *, split: str, seed: int) -> list[str]:
    """Captions of the embedded world whose events were not judged together, kind by kind in turns.

    Args:
        met: the events of each judged prompt; their number is the kind, two or three.
        count: how many at most; fewer where the split holds no more.
        split: train or dev.
        seed: names the draw.
    """
    from pipelines.prompts.grammar import SIZES, write_caption
    from pipelines.recipes.world_captions import draw_world_asks, world_phrase
    from pipelines.soundworld.events import LABELS
    from pipelines.soundworld.splits import split_of

    sizes = {len(one) for one in met}
    tasks = [task for task, size in SIZES.items() if size in sizes] or list(SIZES)
    by_task = []
    for task in tasks:
        there = sum(split_of(group) == split for group in combinations(LABELS, SIZES[task]))
        asks = draw_world_asks(task, min(there, count + len(set(met))), split=split, seed=seed)
        fresh = [ask for ask in asks if frozenset(ask.labels) not in met]
        by_task.append([write_caption(ask, world_phrase) for ask in fresh])
    turns = max(map(len, by_task))
    mixed = [row[turn] for turn in range(turns) for row in by_task if turn < len(row)]
    return mixed[:count]


def groups_of(sound: Judged) -> frozenset[str]:
    """The events that a sound's prompt asks for, as it tells them or as its words are read."""
    from pipelines.soundworld.captions import read_caption

    return frozenset(sound.labels or read_caption(sound.caption).labels)
