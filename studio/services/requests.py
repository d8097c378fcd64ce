"""What a person may ask for: checked once, at the door, in words that say what to do."""

import csv
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from pipelines.generate.limits import SAMPLERS
from pipelines.seeds import SEED_LIMIT, check_seed
from studio.config import Config

OWN = "own"  # how a form says that the model's own sampler is wanted
CLAP = "clap"  # what ranks where no reward model is named
COLUMNS = ("prompt", "caption", "text", "description")  # names a CSV may give the prompts


@dataclass(frozen=True, kw_only=True)
class Request:
    """A checked request; as plain values it is what the job table keeps."""

    prompts: tuple[str, ...]
    model: str
    seed: int  # of the first candidate of every prompt; the i-th has seed + i
    count: int = 1  # candidates per prompt
    seconds: float = 10.0
    steps: int | None = None  # None: the model's own
    guidance: float | None = None  # None: the model's own
    sampler: str | None = None  # None: the model's own
    guide_from: float = 0.0  # guidance only at noise levels from here …
    guide_to: float = 1.0  # … to here
    reuse: float = 0.0  # step caching: the drift at which the blocks run again
    same_as: str | None = None  # a candidate that this must equal, byte for byte
    is_judged: bool = True  # whether CLAP and the listener are asked
    reward: str | None = None  # the reward model that ranks; None: CLAP does
    reward_weight: float = 1.0  # its share of the ranking score; CLAP has the rest

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "prompts": list(self.prompts)}


def from_plain(values: dict[str, Any]) -> Request:
    """The request that `plain` wrote."""
    return Request(**{**values, "prompts": tuple(values["prompts"])})


def check_request(
    config: Config,
    prompts: str | Sequence[str],
    *,
    model: str | None = None,
    seed: float | None = None,
    count: float = 1,
    seconds: float = 10.0,
    steps: float | None = None,
    guidance: float | None = None,
    sampler: str | None = None,
    guide_from: float = 0.0,
    guide_to: float = 1.0,
    reuse: float = 0.0,
    same_as: str | None = None,
    is_judged: bool = True,
    reward: str | None = None,
    reward_weight: float = 1.0,
) -> Request:
    """A request that can be done, from whatever a slider, a script or a stranger sent.

    Args:
        config: the limits.
        prompts: one prompt per line, or a list of them; equal ones count once.
        model: None for the configured one.
        seed: None to draw one.
        count: candidates per prompt.
        seconds: length of each sound.
        steps: None for the model's own number.
        guidance: None for the model's own strength.
        sampler: None, or "own", for the model's own.
        guide_from: the noise level, 0 to 1, down to which guidance is applied.
        guide_to: the noise level from which on it is.
        reuse: step caching: how far the input may drift, 0 to 1, before the blocks run again.
        reward: "clap", or the id of the reward model that ranks the candidates of a prompt.
        reward_weight: its share of the ranking score, in [0, 1]; CLAP has the rest.

    Raises:
        StudioError: the first thing that is wrong.
    """
    words = check_prompts(config, prompts, config.max_prompts, "made")
    making = check_making(config, steps, guidance, sampler)
    amount = whole("The number of candidates", count, 1, config.max_count)
    if len(words) * amount > config.max_candidates:
        raise StudioError(
            f"{len(words)} prompts with {amount} candidates each are {len(words) * amount} sounds; "
            f"at most {config.max_candidates} are made at once. Ask for fewer."
        )
    return Request(
        prompts=words,
        model=model or config.model,
        seed=draw_seed() if seed is None else check_seed(seed),
        count=amount,
        seconds=number("The duration", seconds, 0.5, 600.0, " s"),
        **making,
        **check_shortcuts(guide_from, guide_to, reuse),
        same_as=same_as,
        is_judged=is_judged,
        **check_ranker(reward, reward_weight, is_judged),
    )


def check_shortcuts(guide_from: float, guide_to: float, reuse: float) -> dict[str, float]:
    """The guidance interval and the drift of step caching within their limits."""
    found = {
        "guide_from": number("The lower end of the guidance interval", guide_from, 0.0, 1.0),
        "guide_to": number("The upper end of the guidance interval", guide_to, 0.0, 1.0),
        "reuse": number("The drift of step caching", reuse, 0.0, 1.0),
    }
    if guide_from > guide_to:
        raise StudioError(
            f"The guidance interval goes from {guide_from:g} to {guide_to:g}; the first must not be "
            "the larger."
        )
    return found


def check_ranker(reward: str | None, weight: float, is_judged: bool) -> dict[str, Any]:
    """The reward model that ranks, None for CLAP, and its share. Whether it is there, its keeper knows."""
    share = number("The reward model's share", weight, 0.0, 1.0)
    if reward is None or reward in ("", CLAP):
        return {"reward": None, "reward_weight": share}
    if not isinstance(reward, str):
        raise StudioError(
            f"What ranks is {str(reward)[:40]!r}; give {CLAP}, or the id of a reward model."
        )
    if not is_judged:
        raise StudioError(
            "Sounds cannot be ranked without scores; ask for scores, or for no ranking."
        )
    return {"reward": reward, "reward_weight": share}


def draw_seed() -> int:
    """A seed that nobody chose, below 2**31."""
    return secrets.randbelow(SEED_LIMIT)


def check_making(
    config: Config,
    steps: float | None = None,
    guidance: float | None = None,
    sampler: str | None = None,
) -> dict[str, Any]:
    """Steps, guidance and sampler within the limits; None stays the model's own."""
    if sampler not in {None, OWN, *SAMPLERS}:
        raise StudioError(
            f"The sampler is {sampler!r}; choose one of {', '.join(SAMPLERS)}, or the model's own."
        )
    return {
        "steps": None
        if steps is None
        else whole("The number of steps", steps, 1, config.max_steps),
        "guidance": None
        if guidance is None
        else number("The guidance", guidance, 0.0, config.max_guidance),
        "sampler": None if sampler == OWN else sampler,
    }


def check_prompts(
    config: Config, prompts: str | Sequence[str], most: int, done: str
) -> tuple[str, ...]:
    """The prompts, trimmed, without empty ones and without repeats.

    Args:
        config: the longest that a prompt may be.
        prompts: one per line, or a list of them.
        most: how many at once.
        done: what is done with them, for the sentence that refuses more.
    """
    lines = prompts.splitlines() if isinstance(prompts, str) else list(prompts or [])
    words = tuple(dict.fromkeys(" ".join(line.split()) for line in lines if line.strip()))
    if not words:
        raise StudioError(
            "The prompt is empty; describe a sound, such as: a dog barks followed by rain falling."
        )
    if len(words) > most:
        raise StudioError(
            f"There are {len(words)} prompts; at most {most} are {done} at once. Ask for fewer, or "
            "use the command line, `python -m studio.cli`."
        )
    longest = max(words, key=len)
    if len(longest) > config.max_words:
        raise StudioError(
            f"A prompt has {len(longest)} characters ({longest[:40]}…); at most "
            f"{config.max_words} are read. Shorten it."
        )
    return words


def number(what: str, value: float, low: float, high: float, unit: str = "") -> float:
    """The value as a float, or a StudioError unless it is a number from low to high."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:  # which NaN is not, nor a number beyond floats
        raise StudioError(
            f"{what} is {str(value)[:40]}{unit if is_number else ''}; give a number from {plain(low)} "
            f"to {plain(high)}{unit}."
        )
    return float(value)


def plain(bound: float) -> str:
    """A bound as people write it: 2147483647 and 0.00001, never 2.14748e+09 or 1e-05."""
    return f"{bound:.12f}".rstrip("0").rstrip(".")


def whole(what: str, value: float, low: int, high: int) -> int:
    """The value as an int, or a StudioError unless it is a whole number from low to high."""
    if number(what, value, low, high) != int(value):
        raise StudioError(f"{what} is {value}; give a whole number from {low} to {high}.")
    return int(value)


def read_prompt_file(path: str | Path) -> list[str]:
    """The prompts in a text file (one per line) or a CSV.

    A CSV is read from its column named prompt, caption, text or description; when its first row
    names none of these, from its first column, first row included.

    Raises:
        StudioError: another kind of file, not UTF-8, or no prompts in it.
    """
    path = Path(path)
    if path.suffix.lower() not in {".txt", ".csv"}:
        raise StudioError(f"{path.name} is no list of prompts; give a .txt or .csv file.")
    try:
        content = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise StudioError(
            f"{path.name} is not UTF-8 text; save it as UTF-8 and upload it again."
        ) from error
    except OSError as error:
        raise StudioError(
            f"{path.name} cannot be read ({error.strerror}); upload it again."
        ) from error
    lines = content.splitlines() if path.suffix.lower() == ".txt" else csv_column(content)
    found = [line.strip() for line in lines if line.strip()]
    if not found:
        raise StudioError(f"{path.name} holds no prompts; put one on each line.")
    return found


def csv_column(content: str) -> list[str]:
    """The cells of the column of prompts."""
    try:
        table = [row for row in csv.reader(content.splitlines(), strict=True) if row]
    except csv.Error as error:
        raise StudioError(f"This is not a CSV that can be read ({error}); check it.") from error
    if not table:
        return []
    names = [cell.strip().lower() for cell in table[0]]
    column = next((names.index(name) for name in COLUMNS if name in names), None)
    if column is None:
        return [row[0] for row in table]
    return [row[column] for row in table[1:] if len(row) > column]
