"""Alignment as one resumable call: encode once, train, and hear the model at intervals."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipelines.audio import write_audio
from pipelines.devices import fastest_dtype
from pipelines.errors import Cancelled, StudioError
from pipelines.finetune.adapter_files import AdapterInfo, load_adapter
from pipelines.finetune.adapters import attach, detach, fill
from pipelines.finetune.checkpoints import load_checkpoint, steps_kept
from pipelines.finetune.data import Batches, Row
from pipelines.finetune.latents import Cache, encoded, write_cache
from pipelines.finetune.plans import Plan
from pipelines.finetune.training import ADAPTER, Told, finetune
from pipelines.generate.backend import Backend, ShouldStop
from pipelines.generate.sampling import run
from pipelines.records import Prompt, Settings
from pipelines.reward.scorers import Scorer
from pipelines.seeds import fork

CACHE, MOMENTS, SAMPLES = "cache.safetensors", "samples.jsonl", "samples"
TOGETHER = 256  # clips encoded between two writings of the cache: what a kill can cost
BATCH = 8

Sounds = Callable[[str], np.ndarray] | Iterable[tuple[str, np.ndarray]]
OnEncoded = Callable[[int, int], None]  # clips encoded, clips to encode


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """What the model said at one moment of its training."""

    step: int  # 0: the base itself
    epoch: float
    sounds: list[tuple[Prompt, np.ndarray]]  # float32 [channels, samples] each
    scores: dict[str, float] = field(default_factory=dict)  # the mean by scorer, 0..1

    @property
    def clap(self) -> float | None:
        """The mean score of the scorer called clap, where there is one."""
        return self.scores.get("clap")

    @property
    def reward(self) -> float | None:
        """The mean score of the scorer called reward, where there is one."""
        return self.scores.get("reward")


def align(
    backend: Backend,
    rows: Sequence[Row],
    sounds: Sounds,
    plan: Plan,
    folder: Path,
    *,
    cache: Path | None = None,
    listen: Sequence[Prompt] = (),
    scorers: Mapping[str, Scorer] | None = None,
    sample_every: int | None = None,
    on_encoded: OnEncoded | None = None,
    on_step: Callable[[Told], None] | None = None,
    on_sample: Callable[[Sampled], None] | None = None,
    should_stop: ShouldStop | None = None,
) -> AdapterInfo | Path:
    """Train by the plan, or do what is left of it; the adapter, or the file of all weights.

    What was encoded, trained and heard before a stop or a kill is not done again. The base is heard
    too, as step 0, so that a curve begins with it.

    Args:
        backend: loaded in float32; afterwards it is as before.
        rows: of D_data and D_pretrain, or of a folder.
        sounds: by key, float32 [channels, samples] at the backend's rate: a function, or pairs of
            key and sound, of which those that are encoded already are passed over.
        plan: what to do.
        folder: of this run alone.
        cache: the file of latents and text states; None: one in the folder. Runs that share their
            data may share it.
        listen: prompts to hear at intervals, each with one seed of its own at all moments.
        scorers: by name, such as clap and reward.
        sample_every: steps between two moments; None: never.
        on_encoded: told of clips encoded, and of how many there are to encode.
        on_step: told of each step.
        on_sample: told of each moment.
        should_stop: asked before each batch and each step; True saves, then raises Cancelled.

    Raises:
        StudioError: what `finetune` and `encoded` raise.
        Cancelled: a stop was asked for.
    """
    held = filled_cache(
        cache or folder / CACHE,
        backend,
        rows,
        sounds,
        on_encoded=on_encoded,
        should_stop=should_stop,
    )
    batches = Batches(rows, plan.mix, seed=plan.seed, uses_pretrain=plan.beta > 0)
    is_heard = bool(listen) and bool(sample_every)
    ear = _Ear(
        backend, folder, list(listen), dict(scorers or {}), batches.steps_per_epoch, on_sample, should_stop
    )  # fmt: skip
    steps = plan.steps_in(batches.steps_per_epoch)
    if is_heard:
        ear.hear(0)
        kept = (steps_kept(folder) or [0])[-1]
        if kept % sample_every == 0 or kept == steps:
            ear.hear_checkpoint(plan, kept)
    found = finetune(
        backend,
        rows,
        held,
        plan,
        folder,
        on_step=on_step,
        on_sample=ear.hear_unless_stopped if is_heard else None,
        sample_every=sample_every,
        should_stop=should_stop,
    )
    if is_heard:
        ear.hear_checkpoint(plan, steps)
    return found


def filled_cache(
    path: Path,
    backend: Backend,
    rows: Sequence[Row],
    sounds: Sounds,
    *,
    on_encoded: OnEncoded | None = None,
    should_stop: ShouldStop | None = None,
) -> Cache:
    """A cache with the latents and captions of all rows; arguments as in `align`.

    What is there is kept. New clips are written every 256, so that a kill costs no more.
    """
    held = Cache(path, backend) if path.exists() else None
    keys = list(dict.fromkeys(row.key for row in rows))
    wanted = {key for key in keys if held is None or key not in held}
    said = list(dict.fromkeys((row.caption, row.seconds) for row in rows))
    if held is not None and not wanted and set(said) <= set(held.captions):
        return held
    pairs = ((key, sounds(key)) for key in keys if key in wanted) if callable(sounds) else sounds
    new = encoded(
        backend,
        ((k, s) for k, s in pairs if k in wanted),
        batch_size=BATCH,
        should_stop=should_stop,
    )
    done = 0
    for part in _in_parts(new, TOGETHER):
        write_cache(path, backend, part, [])
        done += len(part)
        if on_encoded is not None:
            on_encoded(done, len(wanted))
    held = write_cache(path, backend, [], said)
    if missing := [key for key in keys if key not in held]:
        raise StudioError(
            f"{len(missing)} clips to train on have no sound, such as {missing[0]}; give their "
            "sounds, or leave them out."
        )
    return held


def _in_parts(rows: Iterator, size: int) -> Iterator[list]:
    """The rows, so many at a time; those before a stop are given too, so that they are not lost."""
    part = []
    try:
        for row in rows:
            part.append(row)
            if len(part) == size:
                yield part
                part = []
    except Cancelled:
        if part:
            yield part
        raise
    if part:
        yield part


@dataclass
class _Ear:
    """Samples, writes and scores the moments of a run, each once."""

    backend: Backend
    folder: Path
    prompts: list[Prompt]
    scorers: dict[str, Scorer]
    steps_per_epoch: int
    on_sample: Callable[[Sampled], None] | None
    should_stop: ShouldStop | None

    def hear_unless_stopped(self, step: int) -> None:
        """Hear; a stop in the middle leaves this moment out, and the training then saves itself."""
        try:
            self.hear(step)
        except Cancelled:
            return

    def hear_checkpoint(self, plan: Plan, step: int) -> None:
        """Hear what a kill left unheard: the checkpoint of this step, where it has no line yet."""
        if step < 1 or plan.adapter is None or step in self.steps():
            return
        denoiser, place = self.backend.denoiser, self.folder / ADAPTER
        state = load_checkpoint(self.folder, step) if step in steps_kept(self.folder) else None
        if state is not None:
            attach(denoiser, plan.adapter, seed=plan.seed)
            fill(denoiser, state["tensors"])
        else:
            load_adapter(denoiser, place, base=self.backend.revision)
        try:
            self.hear(step)
        finally:
            detach(denoiser)

    def hear(self, step: int) -> None:
        """One moment: a WAV for each prompt, and a line in samples.jsonl once all are there."""
        if step in self.steps():
            return
        place = f"{SAMPLES}/step-{step:07d}"
        heard = self.sample()
        means: dict[str, float] = {}
        lines: list[dict[str, Any]] = []
        for n, (prompt, seed, audio) in enumerate(heard):
            write_audio(self.folder / place / f"{n}.wav", audio, self.backend.sample_rate)
            file = f"{place}/{n}.wav"
            lines.append({"prompt": prompt.text, "seconds": prompt.seconds, "seed": seed,
                          "file": file, "scores": {}})  # fmt: skip
        for name, scorer in self.scorers.items():
            texts = [prompt.text for prompt in self.prompts]
            found = scorer.score([audio for *_, audio in heard], self.backend.sample_rate, texts)
            means[name] = float(np.mean(found))
            for line, score in zip(lines, found, strict=True):
                line["scores"][name] = float(score)
        epoch = step / self.steps_per_epoch
        self.note({"step": step, "epoch": epoch, "means": means, "sounds": lines})
        if self.on_sample is not None:
            sounds = [(prompt, audio) for prompt, _, audio in heard]
            self.on_sample(Sampled(step=step, epoch=epoch, sounds=sounds, scores=means))

    @torch.no_grad()
    def sample(self) -> list[tuple[Prompt, int, np.ndarray]]:
        """The sounds of the model as it is now, computed as the training computes."""
        backend = self.backend
        settings = Settings(steps=backend.default_steps, guidance=backend.default_guidance)
        jobs = [
            (prompt, replace(settings, seed=fork(0, "listen", n)))
            for n, prompt in enumerate(self.prompts)
        ]
        device = getattr(backend, "device", torch.device("cpu"))
        is_faster = fastest_dtype(device) == torch.bfloat16
        with torch.autocast(device.type, torch.bfloat16, enabled=is_faster):
            made = list(run(backend, jobs, BATCH, None, self.should_stop))
        return [(c.prompt, c.settings.seed, c.audio) for c in made]

    def moments(self) -> list[dict[str, Any]]:
        """What was heard so far, first to last."""
        return read_moments(self.folder)

    def steps(self) -> set[int]:
        """The steps that were heard."""
        return {moment["step"] for moment in self.moments()}

    def note(self, moment: dict[str, Any]) -> None:
        """Add a line; later ones are of steps that are done again, and go."""
        kept = [each for each in self.moments() if each["step"] < moment["step"]]
        path = self.folder / MOMENTS
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text("".join(json.dumps(each) + "\n" for each in [*kept, moment]))
        part.replace(path)


def read_moments(folder: Path) -> list[dict[str, Any]]:
    """The lines of samples.jsonl: step, epoch, means by scorer, and each sound with its scores."""
    path = folder / MOMENTS
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
