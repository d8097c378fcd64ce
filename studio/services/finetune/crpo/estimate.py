"""How long a CRPO run takes and how much memory, from paces measured on this very machine."""

import json
from collections.abc import Mapping
from typing import Any

from studio.services.finetune.crpo.remaining import LISTENING, RANKING, TRAINING
from studio.services.finetune.crpo.settings import candidates_in, steps_in
from studio.services.finetune.estimate import Estimates, Pace, memory_mb
from studio.services.finetune.listening import HELD_OUT
from studio.services.finetune.request import Wish

PROBE = "studio.services.finetune.crpo.probe"


def crpo_estimate(estimates: Estimates, wish: Wish, counts: dict[str, Any]) -> dict[str, Any]:
    """Steps, seconds in all and by part, and memory in MB.

    Raises:
        StudioError: the probe says why it cannot be done here.
    """
    settings = wish.settings
    found, pace = paces(estimates, wish), pace_of(estimates, wish)
    iterations, made = settings["iterations"], candidates_in(settings)
    steps, moments = iterations * steps_in(settings, counts["pairs"]), iterations + 1
    parts = [
        ("loading the model", pace["load"]),
        (f"making and ranking {made} candidates", made * found[RANKING]),
        (f"{steps} steps of training", steps * found[TRAINING]),
        (f"listening {moments} times to {HELD_OUT} held-out prompts", moments * found[LISTENING]),
    ]
    kept = [{"what": what, "seconds": round(took, 1)} for what, took in parts if took > 0]
    return {
        "steps": steps,
        "candidates": made,
        "seconds": round(sum(part["seconds"] for part in kept), 1),
        "parts": kept,
        "memory_mb": round(memory_mb({**pace, "rows": pace["pairs"]}, settings["pairs"])),
    }


def paces(estimates: Estimates, wish: Wish) -> dict[str, float]:
    """Seconds of a candidate, of a step and of a moment of listening, for these very settings."""
    pace, settings = pace_of(estimates, wish), wish.settings
    return {
        RANKING: pace["candidate"],
        TRAINING: pace["step"] * settings["pairs"] / pace["pairs"],
        LISTENING: HELD_OUT * pace["heard"],
    }


def learn(estimates: Estimates, wish: Wish, own: Mapping[str, float], heard: int) -> None:
    """Later estimates go by what a finished run took.

    Args:
        estimates: that are bettered.
        wish: of the run.
        own: seconds of a candidate, a step and a moment of listening, as far as the run measured them.
        heard: prompts of such a moment.
    """
    settings, pace = wish.settings, pace_of(estimates, wish)
    found = {}
    if RANKING in own:
        found["candidate"] = own[RANKING]
    if LISTENING in own and heard:
        found["heard"] = own[LISTENING] / heard
    if TRAINING in own and 2 * settings["pairs"] >= pace["pairs"]:  # of small steps little is pairs
        found["step"] = own[TRAINING] * pace["pairs"] / settings["pairs"]
    estimates.remember(wish.base, kind_of(settings), **found)


def pace_of(estimates: Estimates, wish: Wish) -> Pace:
    """What was measured for this base and this kind of run, measured where nobody has."""
    words = [wish.base, estimates.config.device or "-", json.dumps(wish.settings)]
    return estimates.measured(wish.base, kind_of(wish.settings), PROBE, words)


def kind_of(settings: Mapping[str, Any]) -> str:
    """What decides how fast a run is, in words."""
    guided = settings["guidance"] is None or settings["guidance"] > 1
    return ", ".join([
        "CRPO",
        "all weights" if settings["rank"] is None else "an adapter",
        "guided" if guided else "not guided",
        *(["groups"] if settings["loss"] == "group" else []),
    ])  # fmt: skip
