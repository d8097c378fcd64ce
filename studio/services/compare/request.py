"""What a person may ask to compare: two models, or one at two settings; checked at the door."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from pipelines.seeds import SEED_LIMIT, check_seed
from studio.config import Config
from studio.services.requests import check_making, check_prompts, draw_seed, number
from studio.services.sound_folders import sounds_in

SIDES = ("a", "b")


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two: a model and how it is asked."""

    model: str
    steps: int | None = None  # None: the model's own
    guidance: float | None = None  # None: the model's own
    sampler: str | None = None  # None: the model's own


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A checked request; as plain values it is what the job table keeps."""

    prompts: tuple[str, ...]
    a: Side
    b: Side
    seed: int  # of the first pair; the i-th has seed + i, on both sides
    seconds: float = 10.0
    reference: str | None = None  # a folder of real sounds; None: renders of the prompts

    def side(self, name: str) -> Side:
        """Side "a" or "b"."""
        return self.a if name == "a" else self.b

    def seed_of(self, pair: int) -> int:
        """The seed of both sounds of a pair."""
        return (self.seed + pair) % SEED_LIMIT

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "prompts": list(self.prompts)}


def wish_from_plain(values: Mapping[str, Any]) -> Wish:
    """The wish that `plain` wrote."""
    sides = {side: Side(**values[side]) for side in SIDES}
    return Wish(**{**values, **sides, "prompts": tuple(values["prompts"])})


def check_wish(
    config: Config,
    prompts: str | Sequence[str],
    *,
    a: Mapping[str, Any],
    b: Mapping[str, Any],
    defaults: Callable[[str], tuple[int, float]],
    seconds: float = 10.0,
    seed: float | None = None,
    most: int | None = None,
    reference: str | None = None,
) -> Wish:
    """A comparison that can be made, from whatever a form, a script or a stranger sent.

    Args:
        config: the limits.
        prompts: one prompt per line, or a list of them; equal ones count once.
        a: model, steps, guidance, sampler; what is missing or None is the model's own.
        b: the same for the other side.
        defaults: the steps and guidance that are a model's own.
        seconds: length of each sound.
        seed: None to draw one.
        most: pairs at once; None for what the page allows.
        reference: a folder of real sounds for the distances; for the command line alone.

    Raises:
        StudioError: the first thing that is wrong.
    """
    words = check_prompts(config, prompts, most or config.max_pairs, "compared")
    if reference is not None:
        sounds_in(Path(reference))  # before an hour of work
    sides = {name: check_side(config, name, side) for name, side in (("a", a), ("b", b))}
    wish = Wish(
        prompts=words,
        **sides,
        seed=draw_seed() if seed is None else check_seed(seed),
        seconds=number("The duration", seconds, 0.5, 600.0, " s"),
        reference=reference,
    )
    if completed(wish.a, defaults) == completed(wish.b, defaults):
        refuse_same(wish.a)
    return wish


def check_side(config: Config, name: str, asked: Mapping[str, Any]) -> Side:
    """One side, its numbers within the limits."""
    told = {key: value for key, value in asked.items() if value is not None}
    unknown = ", ".join(sorted(set(told) - {"model", "steps", "guidance", "sampler"}))
    if unknown:
        raise StudioError(
            f"Side {name.upper()} has {unknown}; give model, steps, guidance and sampler."
        )
    model = told.pop("model", None) or config.model
    try:
        return Side(model=model, **check_making(config, **told))
    except StudioError as error:
        raise StudioError(f"Side {name.upper()}: {error}") from error


def completed(side: Side, defaults: Callable[[str], tuple[int, float]]) -> Side:
    """The side with the model's own numbers where none were given."""
    steps, guidance = defaults(side.model)
    return replace(
        side,
        steps=steps if side.steps is None else side.steps,
        guidance=guidance if side.guidance is None else side.guidance,
    )


def refuse_same(side: Side) -> None:
    """Two sides that would be the same sound, byte for byte."""
    raise StudioError(
        f"A and B are the same ({side.model} with the same settings); choose another model, or "
        "other steps, guidance or sampler, for one of them."
    )
