"""The tables about labels and rewards: how the base's sounds are labelled, and who agrees with whom."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.recipes.baton import takes
from pipelines.recipes.baton.material import Gathered
from pipelines.recipes.baton.measures import Measures
from pipelines.recipes.baton.sets import jobs_of
from pipelines.recipes.baton.study import INTEGRITY, OURS, TASK_OF, TEMPORAL, HeadKind
from pipelines.reward.metrics import agreement, evaluate, histogram
from pipelines.seeds import fork
from pipelines.soundworld.labels import annotate
from pipelines.soundworld.listeners import Listener
from pipelines.soundworld.synthesis import SAMPLE_RATE

STRICTER = 0.6  # the second labeller hears an event from this probability on, the first from 0.5
BATCH = 16
Plain = dict[str, Any]


def labels_table(gathered: Gathered) -> list[Plain]:
    """The analogue of Table 3: what the simulated listener said of the base's candidates, by task."""
    rows = []
    for tasks in ((INTEGRITY,), (TEMPORAL,), (INTEGRITY, TEMPORAL)):
        said = Counter(
            gathered.labels[c.key]
            for c in gathered.candidates
            if c.asked.is_labelled and c.asked.task in tasks
        )
        rows.append({
            "task": tasks[0] if len(tasks) == 1 else "total",
            "sounds": said.total(), "aligned": said[1], "not": said[0], "uncertain": said[None],
        })  # fmt: skip
    return rows


def held_out(measures: Measures, gathered: Gathered, kinds: tuple[HeadKind, ...]) -> Plain:
    """The analogue of Figure 4: rewards of the base's sounds for prompts that no label was given for.

    They are drawn as the candidates are, for such are the sounds that the reward scores. Two
    simulated labellers label each; the second has stricter ears, and both slip.
    """
    first = measures.shop.annotator
    second = Listener("second labeller", first.ear, STRICTER, first.revision)
    found: Plain = {"by task": {}}
    rewards: dict[str, list[float]] = {kind.name: [] for kind in kinds}
    labels: list[list[int | None]] = []
    groups: list[str] = []
    cosines: list[float] = []
    tasks: list[str] = []
    for name, task in TASK_OF.items():
        on = measures.shop.sets["dev"][name]
        sounds, captions = takes.read(drawn_sounds(measures, name)), on.captions
        vectors = _heard(gathered, sounds)
        texts = measures.shop.reward_clap.embed_text(captions)
        cosines += (vectors[:, : texts.shape[1]] * texts).sum(1).tolist()
        for kind in kinds:
            rewards[kind.name] += gathered.rewards(kind, captions, vectors).tolist()
        given = [_labels(one, sounds, captions, task, fork(measures.shop.config.seed, "labeller", n))
                 for n, one in enumerate((first, second))]  # fmt: skip
        labels += [list(pair) for pair in zip(*given, strict=True)]
        groups += on.groups.tolist()
        tasks += [task] * len(captions)
    scores = {**rewards, "CLAP cosine": [(1 + c) / 2 for c in cosines]}
    for task in (*TASK_OF.values(), None):
        rows = [i for i, one in enumerate(tasks) if task in (None, one)]
        found["by task"][task or "both"] = _told(rows, labels, groups, scores)
    return found


def drawn_sounds(measures: Measures, name: str) -> Path:
    """Where the base's sounds for the dev prompts of a set lie, at the guidance of the candidates."""
    shop = measures.shop
    guidance = shop.config.candidate_guidance or shop.base.default_guidance
    jobs = jobs_of(shop.sets["dev"][name].scenes, 0, **{**shop.sampling, "guidance": guidance})
    return takes.make(takes.place_of(shop.takes, shop.base, None, jobs), shop.base, jobs)


def _told(
    rows: list[int],
    labels: list[list[int | None]],
    groups: list[str],
    scores: dict[str, list[float]],
) -> Plain:
    """What these pairs say: agreement, and each score against the first labeller and the second."""
    both = [i for i in rows if None not in labels[i]]
    one, other = (np.array([labels[i][n] for i in both], dtype=float) for n in (0, 1))
    equal = [i for i in both if labels[i][0] == labels[i][1]]
    found: Plain = {
        "pairs": len(rows),
        "labelled by both": len(both),
        "agreement": _finite(agreement(one, other)) if both else None,
        "scores": {},
    }
    for name, values in scores.items():
        told: Plain = {}
        for who, n in (("first", 0), ("second", 1)):
            sure = [i for i in rows if labels[i][n] is not None]
            given = [labels[i][n] for i in sure]
            if len(set(given)) == 2:
                measured = evaluate(
                    [values[i] for i in sure], given, [groups[i] for i in sure], seed=0
                )
                told[who] = {k: _finite(vars(v)) for k, v in measured.items()}
        if equal:
            told["histogram"] = {
                str(label): one
                for label, one in histogram(
                    np.array([values[i] for i in equal]), np.array([labels[i][0] for i in equal])
                ).items()
            }
        found["scores"][name] = told
    return found


def _heard(gathered: Gathered, sounds: list[np.ndarray]) -> np.ndarray:
    """The reward CLAP's vectors in stretches, [clips, dimensions]."""
    clap = gathered.clap
    parts = [sounds[i : i + BATCH] for i in range(0, len(sounds), BATCH)]
    return np.concatenate([clap.embed_audio(part, SAMPLE_RATE) for part in parts])


def _labels(
    listener: Listener, sounds: list[np.ndarray], captions: list[str], task: str, seed: int
) -> list[int | None]:
    hearings = []
    for start in range(0, len(sounds), BATCH):
        hearings += listener.hear_all(sounds[start : start + BATCH], SAMPLE_RATE)
    return [label.value for label in annotate(hearings, captions, task=task, seed=seed)]


def _finite(values: dict[str, Any]) -> Plain:
    """Plain values; None where a figure is no number."""
    return {k: (None if isinstance(v, float) and v != v else v) for k, v in values.items()}


def reward_kinds(kinds: tuple[HeadKind, ...] = ()) -> tuple[HeadKind, ...]:
    """Ours and those of the ablation, each once."""
    return tuple(dict.fromkeys((OURS, *kinds)))
