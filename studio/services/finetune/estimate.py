"""How long a run takes and how much memory, from paces measured on this very machine."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from studio.config import Config
from studio.processes import environment
from studio.services.finetune.listening import HELD_OUT
from studio.services.finetune.own_data import OWN_DATA, SCENES
from studio.services.finetune.request import Wish
from studio.services.finetune.run_folder import RunFolder
from studio.services.finetune.settings import sample_every, steps_of
from studio.services.finetune.sitting import fitting

log = logging.getLogger(__name__)
PACES = "paces.json"
PROBE = "studio.services.finetune.probe"
PATIENCE = 600  # seconds for the probe of a large model on a slow machine
Pace = dict[str, Any]  # what `probe` gives


@dataclass(frozen=True)
class Estimates:
    """Seconds by part and memory; each base is probed once, finished runs better the figures.

    Args:
        config: where the paces are kept, and the device.
        probe: measures; None: the probe of a recipe in a process of its own.
    """

    config: Config
    probe: Callable[..., Pace] | None = None
    turn: threading.Lock = field(default_factory=threading.Lock)

    def of(self, wish: Wish, counts: dict[str, Any]) -> dict[str, Any]:
        """Steps, seconds in all and by part, memory in MB, and what would fit into a sitting.

        Raises:
            StudioError: the probe says why it cannot be done here.
        """
        settings = wish.settings
        rows = settings["batch"] + (settings["pretrain"] if settings["beta"] else 0)
        pace = self.pace(wish.base, settings["rank"], rows)
        data = counts["human"] + counts["reward"]
        steps = steps_of(settings, data)
        every = sample_every(settings, steps)
        moments = 1 + -(-steps // every)
        hear = HELD_OUT * (pace["make"] + pace["score"])
        step = pace["step"] * rows / pace["rows"]
        parts = [
            (
                f"making {counts['reward']} further sounds and scoring them",
                counts["reward"] * (pace["make"] + pace["score"]),
            ),
            ("loading the model", pace["load"]),
            ("encoding the base's own data, once", self._own_data(wish, pace)),
            (f"encoding {data} sounds", data * pace["encode"]),
            (f"{steps} steps of training", steps * step),
            (f"listening {moments} times to {HELD_OUT} held-out prompts", moments * hear),
        ]
        kept = [{"what": what, "seconds": round(took, 1)} for what, took in parts if took > 0]
        seconds = round(sum(part["seconds"] for part in kept), 1)
        before = sum(took for _, took in parts[:-2])
        return {
            "steps": steps,
            "seconds": seconds,
            "parts": kept,
            "memory_mb": round(memory_mb(pace, rows)),
            "sitting": fitting(seconds, before=before, hear=hear, step=step, steps=steps),
        }

    def pace(self, base: str, rank: int | None, rows: int) -> Pace:
        """The paces of a base on this machine, probed where nobody has."""
        words = [base, self.config.device or "-", "-" if rank is None else str(rank), str(rows)]
        return self.measured(base, kind_of(rank), PROBE, words)

    def measured(self, base: str, kind: str, module: str, words: list[str]) -> Pace:
        """What a probe says of a base and a kind of run; each is asked once on a machine.

        Args:
            base: the model.
            kind: of run, in words.
            module: the probe.
            words: of its command line.
        """
        key = self._key(base, kind)
        with self.turn:
            known = self._folder.read(PACES, {})
            if key not in known:
                known[key] = (self.probe or self._probe)(module, words)
                self._folder.write(PACES, known)
        return known[key]

    def learn(self, base: str, rank: int | None, rows: int, step: float) -> None:
        """A finished run's own seconds for a step of so many rows, told for as many as were probed.

        Of much smaller steps most is not spent on rows, so they say nothing of larger ones.
        """
        key = self._key(base, kind_of(rank))
        with self.turn:
            known = self._folder.read(PACES, {})
            if key in known and 2 * rows >= known[key]["rows"]:
                known[key]["step"] = step * known[key]["rows"] / rows
                self._folder.write(PACES, known)

    def remember(self, base: str, kind: str, **paces: float) -> None:
        """What a finished run measured itself, in place of what the probe told, where it was probed."""
        key = self._key(base, kind)
        with self.turn:
            known = self._folder.read(PACES, {})
            if key in known:
                known[key].update(paces)
                self._folder.write(PACES, known)

    def _own_data(self, wish: Wish, pace: Pace) -> float:
        """Seconds until the base's own data is encoded; 0 where an earlier run did it."""
        if wish.base not in OWN_DATA or not wish.settings["beta"]:
            return 0.0
        if any((self.config.data / "pretraining").glob("*/*.safetensors")):
            return 0.0
        return SCENES * (pace["render"] + pace["encode"])

    @property
    def _folder(self) -> RunFolder:
        return RunFolder(self.config.data / "runs")

    def _key(self, base: str, kind: str) -> str:
        return f"{base} on {self.config.device or 'the best device'}, {kind}"

    def _probe(self, module: str, words: list[str]) -> Pace:
        """Measure in a process of its own, so that no model in use is touched."""
        base, command = words[0], [sys.executable, "-m", module, *words]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                env=environment(),
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired as error:
            raise StudioError(
                f"A step of {base} took over {PATIENCE} s on this machine; choose a smaller base or "
                "batch."
            ) from error
        if done.returncode != 0:
            last = [line for line in done.stderr.splitlines() if line.strip()][-1:]
            log.warning("the probe of %s ended with %s: %s", base, done.returncode, done.stderr)
            raise StudioError(
                f"How long a training of {Path(base).name} takes could not be measured: "
                f"{last[0] if last else f'it ended with {done.returncode}'}"
            )
        return json.loads(done.stdout.splitlines()[-1])


def kind_of(rank: int | None) -> str:
    """What is trained, in words."""
    return "all weights" if rank is None else "an adapter"


def memory_mb(pace: Pace, rows: int) -> float:
    """What a training takes: all that the probe had, its activations stretched to the rows at once."""
    return pace["base_mb"] + (pace["peak_mb"] - pace["base_mb"]) * rows / pace["rows"]
