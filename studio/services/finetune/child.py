"""The process that trains: it reads files, writes files, tells how far it is, and may be killed.

`python -m studio.services.finetune.child FOLDER` goes on with the run in this folder, from its last
checkpoint. It knows no database.
"""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.audio import read_audio
from pipelines.errors import Cancelled
from pipelines.records import Prompt
from studio.processes import Parent, end_of
from studio.services.finetune.run_folder import PROGRESS, ROWS, TASK, RunFolder

BEGUN, ENDED = 0.25, 0.98  # of the run's progress bar, in which this lies
ENCODED = 0.15  # of that, for encoding; training has the rest
CACHE, ADAPTER, LOCK = "cache.safetensors", "adapter", "lock"


def work(parent: Parent) -> None:
    """Go on with the run that the command line names, to its end."""
    run = RunFolder(Path(sys.argv[1]))
    with alone(run.path, parent):
        Training(run=run, task=run.read(TASK), parent=parent).go_on()


@contextmanager
def alone(folder: Path, parent: Parent) -> Iterator[None]:
    """Within the block no other process is at work in this folder: a run's, or one that runs share.

    When the studio was killed, its child saves after its present step; the next one waits for that.
    """
    import fcntl

    with (folder / LOCK).open("a") as held:
        while True:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                parent.tell(BEGUN, "waiting for the process before this one to save")
                if parent.should_stop():
                    raise Cancelled() from error
                time.sleep(0.2)
        yield


@dataclass
class Training:
    """One run on its way."""

    run: RunFolder
    task: dict[str, Any]
    parent: Parent
    paces: list[float] = field(default_factory=list)  # seconds of the last steps
    heard_in: float = 0.0  # seconds of the last moment
    heard_at: float = field(default_factory=time.monotonic)
    told_at: float = 0.0

    def go_on(self) -> None:
        """Load, encode, train, listen."""
        started = time.monotonic()
        self.tell(BEGUN, "loading the model")
        backend, plan = load_base(self.task), plan_of(self.task)
        log(f"{backend.name} {backend.revision} on {backend.device}")
        self.run.took("loading the model", time.monotonic() - started)
        rows, places = read_rows(self.run, self.task)
        pretraining = self.pretraining_rows(backend)
        from pipelines.recipes.baton.aligning import align

        self.run.took("loading the model", time.monotonic() - started)
        self.heard_at = time.monotonic()
        rows = [*rows, *pretraining]
        found = align(
            backend,
            rows,
            sounds_of(backend, places),
            plan,
            self.run.path,
            listen=[Prompt(**told) for told in self.task["listen"]],
            scorers=scorers_of(self.run, self.task, backend),
            sample_every=self.task["sample_every"],
            on_encoded=self.encoded,
            on_step=self.stepped,
            on_sample=self.heard,
            should_stop=self.parent.should_stop,
        )
        if isinstance(found, Path):
            save_whole(backend, found, plan, rows, self.run.path / ADAPTER)
        self.tell(ENDED, "trained")

    def pretraining_rows(self, backend: Any) -> list[Any]:
        """Rows of D_pretrain of the base's own data; their latents are drawn and encoded once."""
        told = self.task["pretraining"]
        if told is None:
            return []
        from pipelines.recipes.baton.aligning import filled_cache
        from pipelines.recipes.baton.pretraining import pretraining_rows, pretraining_scenes

        started = time.monotonic()
        rows, sounds = pretraining_rows(pretraining_scenes(told["scenes"], seed=told["seed"]))
        name = f"scenes-{told['scenes']}-{told['seed']}.safetensors"
        shared = Path(self.task["data"]) / "pretraining" / backend.revision / name

        def tell(done: int, of: int) -> None:
            self.tell(BEGUN, f"encoding the base's own data, once: {done} of {of}")

        tell(0, len(rows))
        shared.parent.mkdir(parents=True, exist_ok=True)
        with alone(
            shared.parent, self.parent
        ):  # another run may be at it: the page's, a terminal's
            filled_cache(shared, backend, rows, sounds, on_encoded=tell,
                         should_stop=self.parent.should_stop)  # fmt: skip
        own = self.run.path / CACHE
        if not own.exists():
            part = own.with_suffix(".copy")
            shutil.copyfile(shared, part)
            part.replace(own)
        self.run.took("encoding the base's own data", time.monotonic() - started)
        return rows

    def encoded(self, done: int, of: int) -> None:
        """A part of the sounds has latents."""
        self.heard_at = time.monotonic()
        share = BEGUN + (ENDED - BEGUN) * ENCODED * done / of
        heard = len(self.task["listen"])
        is_next = done == of and heard > 0  # which may take minutes, and tells nothing of its own
        self.tell(
            share,
            f"listening to the base by {heard} held-out prompts"
            if is_next
            else f"encoding sound {done} of {of}",
        )
        log(f"encoded {done} of {of} sounds")

    def stepped(self, told: Any) -> None:
        """A step is taken."""
        self.paces = [*self.paces[-49:], told.seconds]
        self.heard_at = time.monotonic()
        left = told.steps - told.step
        every = self.task["sample_every"]
        moments = 0 if not every else left // every + (left % every > 0)
        seconds = left * float(np.median(self.paces)) + moments * self.heard_in
        share = BEGUN + (ENDED - BEGUN) * (ENCODED + (1 - ENCODED) * told.step / told.steps)
        self.tell(
            share,
            f"step {told.step} of {told.steps}, epoch {told.epoch:.1f}",
            step=told.step, steps=told.steps, seconds_left=round(seconds, 1),
        )  # fmt: skip
        if told.step % 50 == 0 or told.step == told.steps:
            log(f"step {told.step} of {told.steps}: loss {told.loss:.4f}")

    def heard(self, sampled: Any) -> None:
        """The model was listened to."""
        self.heard_in = time.monotonic() - self.heard_at
        self.run.took("listening to held-out prompts", self.heard_in)
        self.heard_at = time.monotonic()
        log(f"heard after step {sampled.step}")  # its scores are told where they are drawn

    def tell(self, share: float, note: str, **more: Any) -> None:
        """Tell the parent, and write down what the page asks for, twice a second at most."""
        self.parent.tell(share, note)
        if time.monotonic() - self.told_at > 0.5:
            self.told_at = time.monotonic()
            self.run.write(PROGRESS, {"note": note, **more})


def load_base(task: dict[str, Any]) -> Any:
    """The model to be trained, in float32."""
    import torch
    from transformers.utils import logging

    from pipelines.generate import checkpoints

    logging.disable_progress_bar()  # it would fill the log
    return checkpoints.load(task["base"], device=task["device"], dtype=torch.float32)


def plan_of(task: dict[str, Any]) -> Any:
    """What to do, from plain values."""
    from pipelines.finetune.plans import plan_from

    return plan_from(task["plan"])


def save_whole(backend: Any, trained: Path, plan: Any, rows: list[Any], folder: Path) -> None:
    """Keep a training of all weights as adapters are kept, so that it is a model to choose."""
    from safetensors.torch import load_file

    from pipelines.finetune.adapter_files import save_change
    from pipelines.finetune.data import check_rows
    from pipelines.finetune.training import versions

    record = {"plan": plan.identity, "rows": asdict(check_rows(rows)), "versions": versions()}
    base = backend.revision
    save_change(backend.denoiser, load_file(trained), folder, base=base, record=record)
    trained.unlink()


def read_rows(run: RunFolder, task: dict[str, Any]) -> tuple[list[Any], dict[str, Path]]:
    """The rows of the run, and where the sound of each key lies."""
    from pipelines.finetune.data import Row

    rows, places = [], {}
    for told in run.read(ROWS):
        file = told.pop("file")
        rows.append(Row(**told))
        places[told["key"]] = Path(task["data"]) / file
    return rows, places


def sounds_of(backend: Any, places: dict[str, Path]) -> Callable[[str], np.ndarray]:
    """What reads the sound of a key as the backend wants it, cut to what it can hear."""
    channels = backend.codec.channels
    most = int(backend.max_seconds * backend.sample_rate)

    def read(key: str) -> np.ndarray:
        audio, _ = read_audio(places[key], sample_rate=backend.sample_rate)
        if len(audio) != channels:
            audio = np.repeat(audio.mean(axis=0, keepdims=True), channels, axis=0)
        return audio[:, :most]

    return read


def scorers_of(run: RunFolder, task: dict[str, Any], backend: Any) -> dict[str, Any]:
    """The judges of the held-out prompts: CLAP's reward side, and the reward model if there is one.

    Never the evaluation CLAP, which may choose nothing.
    """
    from pipelines import clap
    from pipelines.reward.scorers import ClapScorer

    if not task["listen"]:
        return {}
    heard = clap.load("reward")
    found = {"clap": ClapScorer(heard)}
    if task["reward"] is not None:
        found["reward"] = reward_scorer(run.path / task["reward"], heard, task, backend)
    return found


def reward_scorer(folder: Path, heard: Any, task: dict[str, Any], backend: Any) -> Any:
    """The reward model of a folder over its CLAP, and over the T5 where it was trained so."""
    from pipelines.recipes.baton.text import scorer_of
    from pipelines.reward.saved import load_head

    def read_by() -> Any:
        is_own = task["reward_base"] == task["base"]
        return backend if is_own else load_base({**task, "base": task["reward_base"]})

    return scorer_of(*load_head(folder), heard, read_by)


def log(sentence: str) -> None:
    """A line of the run's log."""
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    sys.stderr.write(f"{moment} {sentence}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    end_of(work)
