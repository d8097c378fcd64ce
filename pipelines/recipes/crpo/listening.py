"""What fixed prompts sound like after each iteration, from the same seeds at every one."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.audio import write_audio
from pipelines.generate.backend import Backend, ShouldStop
from pipelines.generate.sampling import run
from pipelines.records import Prompt, Settings
from pipelines.reward.scorers import Scorer
from pipelines.seeds import fork

MOMENTS, SAMPLES = "samples.jsonl", "samples"


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One moment: after an iteration, or the start as 0."""

    iteration: int
    means: dict[str, float]  # by scorer
    sounds: list[dict[str, Any]] = field(default_factory=list)  # prompt, seed, file, scores


def listen(
    policy: Backend,
    iteration: int,
    prompts: Sequence[Prompt],
    scorers: Mapping[str, Scorer],
    folder: Path,
    *,
    batch: int = 8,
    should_stop: ShouldStop | None = None,
    on_heard: Callable[[Heard], None] | None = None,
) -> None:
    """Sample, write and score one moment, unless it was heard.

    Args:
        policy: the model after the iteration.
        iteration: 0 is the start.
        prompts: the same at all moments.
        scorers: by name.
        folder: of the run: samples/iteration-2/0.wav … and a line in samples.jsonl.
        batch: sounds made together.
        should_stop: asked before each step.
        on_heard: told of the moment when it is new.
    """
    if not prompts or any(moment.iteration == iteration for moment in moments(folder)):
        return
    told = {"steps": policy.default_steps, "guidance": policy.default_guidance}
    jobs = [(p, Settings(seed=fork(0, "listen", n), **told)) for n, p in enumerate(prompts)]
    made = list(run(policy, jobs, batch, None, should_stop))
    place = f"{SAMPLES}/iteration-{iteration}"
    sounds = []
    for n, one in enumerate(made):
        write_audio(folder / place / f"{n}.wav", one.audio, policy.sample_rate)
        sounds.append(
            {
                "prompt": one.prompt.text,
                "seconds": one.prompt.seconds,
                "seed": one.settings.seed,
                "file": f"{place}/{n}.wav",
                "scores": {},
            }
        )
    means = {}
    for name, scorer in scorers.items():
        texts = [one.prompt.text for one in made]
        scores = scorer.score([one.audio for one in made], policy.sample_rate, texts)
        means[name] = float(np.mean(scores))
        for sound, score in zip(sounds, scores, strict=True):
            sound["scores"][name] = float(score)
    heard = Heard(iteration=iteration, means=means, sounds=sounds)
    kept = [moment for moment in moments(folder) if moment.iteration < iteration]
    part = folder / f"{MOMENTS}.part"
    part.write_text("".join(json.dumps(vars(each)) + "\n" for each in [*kept, heard]))
    part.replace(folder / MOMENTS)
    if on_heard is not None:
        on_heard(heard)


def moments(folder: Path) -> list[Heard]:
    """What was heard so far, first to last."""
    path = folder / MOMENTS
    lines = path.read_text().splitlines() if path.exists() else []
    return [Heard(**json.loads(line)) for line in lines]
