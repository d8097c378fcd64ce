"""A short probe of CRPO on this machine, in a process of its own: paces and memory, as JSON.

`python -m studio.services.finetune.crpo.probe BASE DEVICE SETTINGS`; DEVICE may be "-", SETTINGS are
CRPO's as JSON.
"""

import json
import sys
import time
from dataclasses import replace
from typing import Any

from pipelines.records import Prompt
from studio.processes import Parent, end_of
from studio.services.finetune.crpo.child import as_it_samples
from studio.services.finetune.crpo.data import SECONDS
from studio.services.finetune.crpo.settings import config_of
from studio.services.finetune.probe import peak_mb
from studio.services.prompt_sets import prompts_of

PROMPTS = "order"  # the set that the probe samples


def work(parent: Parent) -> None:
    """Measure, and write the paces as one line."""
    base, device, settings = sys.argv[1:]
    found = probe(base, device=None if device == "-" else device, settings=json.loads(settings))
    sys.stdout.write(json.dumps(found) + "\n")


def probe(base: str, *, device: str | None, settings: dict[str, Any]) -> dict[str, Any]:
    """Seconds and memory of the parts of a run.

    Args:
        base: the model.
        device: None: the best one here.
        settings: of the run, see `crpo.settings`.

    Returns:
        load, candidate (sampled, decoded, scored by CLAP), heard (a fixed prompt) and step in seconds,
        the last for so many pairs; base_mb and peak_mb of this process.
    """
    from pipelines import clap
    from pipelines.recipes.crpo.estimate import probe as paces_of
    from pipelines.reward.scorers import ClapScorer
    from studio.services.finetune.child import load_base

    task = {"base": base, "device": device}
    started = time.perf_counter()
    trainer = load_base(task)
    sampler = as_it_samples(task, trainer)
    scorer = ClapScorer(clap.load("reward"))
    load = time.perf_counter() - started
    config = replace(config_of(settings), given_share=0.0)  # candidates are probed all the same
    seconds = min(SECONDS, trainer.max_seconds)
    bank = [Prompt(text=text, seconds=seconds) for text in prompts_of(PROMPTS)]
    before = peak_mb()
    paces = paces_of(trainer, sampler, scorer, config, bank)
    return {
        "load": load,
        "candidate": paces.candidate,
        "heard": paces.heard,
        "step": paces.step,
        "pairs": settings["pairs"],
        "base_mb": before,
        "peak_mb": peak_mb(),
    }


if __name__ == "__main__":
    end_of(work)
