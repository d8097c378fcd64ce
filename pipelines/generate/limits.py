"""What may be asked of a generator, refused in one sentence where it is absurd."""

import math
from collections.abc import Sequence

from pipelines.errors import StudioError
from pipelines.generate.backend import Backend
from pipelines.records import Prompt, Settings
from pipelines.seeds import check_seed

MAX_STEPS = 200
MAX_GUIDANCE = 20.0
MAX_COUNT = 64
MAX_BATCH = 64
SAMPLERS = ("euler", "heun", "ddpm", "dpm++", "ddim", "dpm++ sde")
QUALITY_LEVELS = 5
MAX_REUSE = 1.0  # beyond, nearly every step is a repetition


def check_number(
    name: str, value: float, low: float, high: float, *, unit: str = "", open_low: bool = False
) -> float:
    """The value as a float, or a StudioError that tells what is allowed.

    Args:
        name: how the sentence calls it.
        value: what was given; booleans, NaN and text are refused.
        low: smallest allowed.
        high: largest allowed.
        unit: behind the numbers, such as " s".
        open_low: whether `low` itself is refused.
    """
    allowed = f"{'more than ' if open_low else ''}{low:g} to {high:g}{unit}"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value):
        raise StudioError(f"{name} is {value!r}, not a number; give {allowed}.")
    if value < low or value > high or (open_low and value == low):
        raise StudioError(f"{name} is {value:g}{unit}; give {allowed}.")
    return float(value)


def check_whole(name: str, value: float, low: int, high: int) -> int:
    """The value as an int, or a StudioError that tells what is allowed."""
    if check_number(name, value, low, high) != int(value):
        raise StudioError(f"{name} is {value:g}; give a whole number from {low} to {high}.")
    return int(value)


def longest_seconds(backend: Backend) -> float:
    """The longest sound that a model makes: its window, or several where it can go on from one."""
    return getattr(backend, "longest_seconds", backend.max_seconds)


def check_prompt(prompt: Prompt, max_seconds: float) -> None:
    """Nothing, or a StudioError: no words, or a length that this model cannot make."""
    if not isinstance(prompt.text, str) or not prompt.text.strip():
        raise StudioError("The prompt is empty; say what should be heard, such as 'a dog barks'.")
    check_number("The duration", prompt.seconds, 0, max_seconds, unit=" s", open_low=True)


def check_settings(settings: Settings) -> None:
    """Nothing, or a StudioError for the first setting that is out of bounds."""
    check_seed_number(settings.seed)
    check_whole("Steps", settings.steps, 1, MAX_STEPS)
    check_number("Guidance", settings.guidance, 0, MAX_GUIDANCE)
    if settings.sampler is not None and settings.sampler not in SAMPLERS:
        raise StudioError(
            f"The sampler is {settings.sampler!r}; choose one of {', '.join(SAMPLERS)}."
        )
    if settings.quality is not None:
        check_whole("The quality level", settings.quality, 1, QUALITY_LEVELS)
    check_shortcuts(settings)


def check_shortcuts(settings: Settings) -> None:
    """Nothing, or a StudioError for a guidance interval or a drift that is out of bounds."""
    check_number("The lower end of the guidance interval", settings.guide_from, 0, 1)
    check_number("The upper end of the guidance interval", settings.guide_to, 0, 1)
    if settings.guide_from > settings.guide_to:
        raise StudioError(
            f"The guidance interval goes from {settings.guide_from:g} to {settings.guide_to:g}; "
            "the first must not be the larger."
        )
    check_number("Step caching's drift", settings.reuse, 0, MAX_REUSE)


def check_seed_number(seed: int) -> int:
    """The seed, or a StudioError; text and infinity are refused in the same words as the rest."""
    if not isinstance(seed, int | float) or (isinstance(seed, float) and not math.isfinite(seed)):
        raise StudioError(f"The seed is {seed!r}, not a number; give a whole number from 0.")
    return check_seed(seed)


def check_request(
    prompts: Sequence[Prompt], settings: Settings, count: int, batch_size: int, max_seconds: float
) -> None:
    """Nothing, or a StudioError for the first thing that cannot be done."""
    if not prompts:
        raise StudioError("There is no prompt; give at least one.")
    for prompt in prompts:
        check_prompt(prompt, max_seconds)
    check_settings(settings)
    check_whole("The number of candidates", count, 1, MAX_COUNT)
    check_whole("The batch size", batch_size, 1, MAX_BATCH)
