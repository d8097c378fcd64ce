"""Candidates for prompts: batched, with progress and a stop, each from a seed of its own."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np

from pipelines.errors import StudioError
from pipelines.generate.backend import Backend, OnLatents
from pipelines.generate.limits import check_request, longest_seconds
from pipelines.records import Candidate, Prompt, Settings
from pipelines.seeds import SEED_LIMIT

Progress = Callable[[float, str], None]  # 0..1, what is going on
LIBRARIES = ("torch", "diffusers", "transformers")
SHORTCUT_WORDS = {
    "guide_from": "guidance interval",
    "guide_to": "guidance interval",
    "reuse": "step caching",
}


def generate(
    backend: Backend,
    prompts: Sequence[Prompt],
    *,
    settings: Settings,
    count: int = 1,
    batch_size: int = 8,
    on_progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Iterator[Candidate]:
    """Candidates in order, prompt by prompt, each given as soon as its batch is done.

    Candidate i of a prompt has seed `settings.seed + i` (mod 2**31) and so can be made again
    alone: to the bit where its batch held prompts of one length, else up to rounding (float32:
    120 dB below the sound, bfloat16: 33 dB, where another seed is another sound). The request is
    checked here and now, before the first candidate is asked for.

    Args:
        backend: the model; its name and dtype replace those in the settings.
        prompts: at least one.
        settings: of the first candidate of each prompt.
        count: candidates per prompt, 1 to 64.
        batch_size: sounds made together, 1 to 64; different prompts share a batch.
        on_progress: told after every step.
        should_stop: asked before every step.

    Raises:
        StudioError: the request is out of bounds.
        Cancelled: `should_stop` said so.
    """
    check_request(prompts, settings, count, batch_size, longest_seconds(backend))
    backend.check(prompts, [settings])
    settings = replace(
        settings,
        seed=int(settings.seed),
        steps=int(settings.steps),
        guidance=float(settings.guidance),
    )
    jobs = [
        (prompt, replace(settings, seed=(settings.seed + i) % SEED_LIMIT))
        for prompt in prompts
        for i in range(count)
    ]
    return run(backend, jobs, batch_size, on_progress, should_stop)


def run(
    backend: Backend,
    jobs: Sequence[tuple[Prompt, Settings]],
    batch_size: int,
    on_progress: Progress | None,
    should_stop: Callable[[], bool] | None,
    on_latents: OnLatents | None = None,
) -> Iterator[Candidate]:
    """The candidates of checked jobs, batch by batch; arguments as in `generate`.

    Args:
        backend: the model; its name and dtype replace those in the settings.
        jobs: prompt and settings of each candidate; those of one batch share steps and sampler.
        batch_size: jobs made together.
        on_progress: told after every step.
        should_stop: asked before every step.
        on_latents: given the latents of each batch before its candidates come.
    """
    asked = {} if on_latents is None else {"on_latents": on_latents}
    for first in range(0, len(jobs), batch_size):
        batch = jobs[first : first + batch_size]

        def on_step(done: int, steps: int, first: int = first, size: int = len(batch)) -> None:
            if on_progress is not None:
                which = f"sound {first + 1}" if size == 1 else f"sounds {first + 1}–{first + size}"
                share = (first + size * done / steps) / len(jobs)
                on_progress(share, f"{which} of {len(jobs)}: step {done} of {steps}")

        started = time.perf_counter()
        blanks = [unmade(backend, prompt, setting) for prompt, setting in batch]
        prompts, settings = ([getattr(b, name) for b in blanks] for name in ("prompt", "settings"))
        sounds = made_together(
            backend, prompts, settings, on_step=on_step, should_stop=should_stop, **asked
        )
        seconds = (time.perf_counter() - started) / len(batch)
        for blank, sound in zip(blanks, sounds, strict=True):
            yield replace(blank, audio=sound, timings={"generate": seconds})


def made_together(
    backend: Backend, prompts: list[Prompt], settings: list[Settings], **how: Any
) -> list[np.ndarray]:
    """`Backend.sample`, with a sentence where the device has too little memory for the batch."""
    from torch import OutOfMemoryError

    if settings[0].taken and not getattr(backend, "takes_shortcuts", False):
        words = dict.fromkeys(SHORTCUT_WORDS[name] for name in settings[0].taken)
        raise StudioError(
            f"{backend.name} knows no {' and no '.join(words)}; leave it off, or choose a TangoFlux."
        )
    try:
        return backend.sample(prompts, settings, **how)
    except OutOfMemoryError as error:
        longest = max(prompt.seconds for prompt in prompts)
        raise StudioError(
            f"The memory of the device does not suffice for {len(prompts)} sounds of up to "
            f"{longest:g} s at once by {backend.name}; ask for fewer or shorter ones, or start the "
            "studio with BATON_LOW_MEMORY=1."
        ) from error


def unmade(backend: Backend, prompt: Prompt, settings: Settings) -> Candidate:
    """The candidate that this request will become, without its sound: its id is known before.

    Args:
        backend: the model; its name and dtype replace those in the settings, and its own sampler
            stands where they name none.
        prompt: what is asked for.
        settings: how.
    """
    return Candidate(
        prompt=prompt,
        settings=replace(
            settings,
            model=backend.name,
            dtype=backend.dtype,
            sampler=settings.sampler or backend.samplers[0],
        ),
        revision=backend.revision,
        adapter=backend.adapter,
        versions={name: version(name) for name in LIBRARIES},
        audio=np.zeros((1, 0), np.float32),
        sample_rate=backend.sample_rate,
    )
