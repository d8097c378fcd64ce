"""What a person may ask of a fine-tuning: checked once, at the door, in words that say what to do."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.errors import StudioError
from pipelines.seeds import check_seed
from studio.config import Config
from studio.refusals import Unknown
from studio.services.requests import draw_seed, number, whole

BATON, SUPERVISED, CRPO = "baton", "supervised", "crpo"
RECIPES = (BATON, SUPERVISED, CRPO)
CLAP = "clap"  # the reward that nobody had to train
ID = re.compile(r"[0-9a-f]{32}")
TITLE_LENGTH = 80
SHARED_STEPS = 400  # on a page of strangers, who share its two cores
MOST_STEPS = 100_000
SHARED_EVERY = 20  # steps between two moments there, at least: each costs seconds and 8 MB
SHARED_UNLABELLED = 256  # further sounds for one run there
MOST_UNLABELLED = 20_000
MOST_CAMPAIGNS = 50
MOMENTS = 8  # times that a run is listened to, where nobody chose
PRESETS = ("embedded", "paper")
SETTINGS = (
    "preset", "steps", "epochs", "learning_rate", "beta", "batch", "pretrain", "rank",
    "human_share", "sample_every", "seed",
)  # fmt: skip
FIELDS = (
    "recipe", "title", "base", "campaigns", "reward", "unlabelled", "folder", "pretrain_folder",
    "settings", "prompts", "prompt_set",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A checked request; as plain values it is what the job table keeps."""

    recipe: str
    title: str | None  # None: one is made from what it is trained on
    base: str
    campaigns: tuple[str, ...]
    reward: str | None  # a reward model's id, CLAP, or None: labels alone
    unlabelled: int | None  # further sounds for the reward; None: as many as are labelled
    folder: str | None  # of a creator: what plain fine-tuning learns, or a set of pairs for CRPO
    pretrain_folder: str | None  # of a creator: D_pretrain of a base that has none here
    settings: dict[str, Any]  # all of SETTINGS, or of CRPO's own
    prompts: tuple[str, ...] = ()  # of which CRPO makes candidates; none: the set's, or the world's
    prompt_set: str | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        lists = {"campaigns": list(self.campaigns), "prompts": list(self.prompts)}
        return {**asdict(self), **lists}


def wish_from_plain(values: Mapping[str, Any]) -> Wish:
    """The wish that `plain` wrote; those of before CRPO have no prompts."""
    known = {name: values[name] for name in FIELDS if name in values}
    lists = {name: tuple(values.get(name, ())) for name in ("campaigns", "prompts")}
    return Wish(**{**known, **lists})


def check_wish(config: Config, asked: Mapping[str, Any], usual: Mapping[str, Any]) -> Wish:
    """A wish that can be tried, from whatever a form, a script or a stranger sent.

    Args:
        config: the limits.
        asked: FIELDS, of which most may be left out.
        usual: the settings that hold where nothing is asked for, by preset.

    Raises:
        StudioError: the first thing that is wrong.
    """
    if unknown := sorted(set(asked) - set(FIELDS)):
        raise StudioError(
            f"{unknown[0][:40]!r} is no part of a fine-tuning; known are {', '.join(FIELDS)}."
        )
    recipe = recipe_in(asked)
    campaigns = names_in("campaigns", asked.get("campaigns") or [])
    reward, folder = name_in("reward", asked), name_in("folder", asked)
    if reward not in (None, CLAP) and not ID.fullmatch(reward):
        raise Unknown("There is no such reward model here; choose one from the list.")
    unlabelled = asked.get("unlabelled")
    if unlabelled is not None:
        most = SHARED_UNLABELLED if config.is_shared else MOST_UNLABELLED
        unlabelled = whole("The number of further sounds", unlabelled, 0, most)
    if recipe == BATON:
        if not campaigns:
            raise StudioError(
                "No campaign is chosen; choose one whose sounds you labelled or voted on in Vote."
            )
        if unlabelled and reward is None:
            raise StudioError(
                f"{unlabelled} further sounds are asked for and nothing gives them a reward; choose "
                "a reward model or CLAP, or ask for 0."
            )
    elif folder is None:
        raise StudioError("No folder is chosen; upload a zip of your sounds with their captions.")
    is_baton = recipe == BATON
    return Wish(
        recipe=recipe,
        title=check_title(asked.get("title")),
        base=name_in("base", asked) or config.model,
        campaigns=campaigns if is_baton else (),
        reward=reward if is_baton else None,
        unlabelled=(0 if reward is None else unlabelled) if is_baton else 0,
        folder=None if is_baton else folder,
        pretrain_folder=name_in("pretrain_folder", asked),
        settings=check_settings(config, asked.get("settings") or {}, usual, recipe),
    )


def recipe_in(asked: Mapping[str, Any]) -> str:
    """The recipe that was asked for, or the first."""
    recipe = asked.get("recipe") or BATON
    if recipe not in RECIPES:
        raise StudioError(f"The recipe is {str(recipe)[:40]!r}; choose {' or '.join(RECIPES)}.")
    return recipe


def check_title(title: Any) -> str | None:
    """The title on one line, or None where none is given.

    Raises:
        StudioError: no text, or too long.
    """
    if title is None or title == "":
        return None
    words = " ".join(title.split()) if isinstance(title, str) else ""
    if not 1 <= len(words) <= TITLE_LENGTH or not words.isprintable():
        raise StudioError(
            f"The title has {len(words)} characters that can be shown; give 1 to {TITLE_LENGTH}."
        )
    return words


def check_settings(
    config: Config, given: Any, usual: Mapping[str, Any], recipe: str = BATON
) -> dict[str, Any]:
    """All of SETTINGS: what is given, and for the rest the preset's.

    Args:
        config: the limits.
        given: some of SETTINGS.
        usual: every setting, by preset; the first preset is the base's own.
        recipe: plain fine-tuning has no pretraining loss unless one is asked for.

    Raises:
        StudioError: an unknown setting or preset, or a value out of its range.
    """
    if not isinstance(given, Mapping):
        raise StudioError(f"The settings are a {type(given).__name__}; send an object.")
    if unknown := sorted(set(given) - set(SETTINGS)):
        raise StudioError(
            f"{str(unknown[0])[:40]!r} is no setting; known are {', '.join(SETTINGS)}."
        )
    preset = given.get("preset") or next(iter(usual))
    if not isinstance(preset, str) or preset not in usual:
        raise StudioError(f"The preset is {str(preset)[:40]!r}; choose {' or '.join(usual)}.")
    found = {**usual[preset], **given, "preset": preset}
    if recipe == SUPERVISED and given.get("beta") is None:
        found["beta"] = 0.0
    if given.get("steps") is not None and given.get("epochs") is not None:
        raise StudioError("Steps and epochs are both given; give one of the two.")
    if given.get("epochs") is not None:
        found["steps"] = None
    most = SHARED_STEPS if config.is_shared else MOST_STEPS
    either = found["steps"] is None
    checked = {
        "preset": preset,
        "steps": None if either else whole("The number of steps", found["steps"], 1, most),
        "epochs": number("The number of epochs", found["epochs"], 0.01, 1000) if either else None,
        "learning_rate": number("The learning rate", found["learning_rate"], 1e-8, 0.1),
        "beta": number("The weight of the pretraining loss (beta)", found["beta"], 0, 10),
        "batch": whole("The batch of labelled sounds", found["batch"], 1, 256),
        "pretrain": whole("The batch of the base's own data", found["pretrain"], 0, 256),
        "human_share": number("The share of people's rows", found["human_share"], 0, 1),
        "rank": None,
        "sample_every": None,
        "seed": draw_seed() if found["seed"] is None else seed_in(found["seed"]),
    }
    if found["rank"] is not None:
        checked["rank"] = whole("The rank of the adapter", found["rank"], 1, 256)
    if found["sample_every"] is not None:
        checked["sample_every"] = whole(
            "The number of steps between samples",
            found["sample_every"],
            SHARED_EVERY if config.is_shared else 1,
            MOST_STEPS,
        )
    if checked["beta"] > 0 and checked["pretrain"] == 0:
        raise StudioError(
            "The pretraining loss counts (beta is above 0) and its batch is 0; give a batch of 1 or "
            "more, or set beta to 0."
        )
    return checked


def seed_in(value: Any) -> int:
    """The seed, if it is one."""
    whole("The seed", value, 0, 2**31 - 1)
    return check_seed(value)


def name_in(field: str, asked: Mapping[str, Any]) -> str | None:
    """A name that was sent, or None."""
    value = asked.get(field)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > 300:
        raise StudioError(f"The {field} is a {type(value).__name__}; choose one from the list.")
    return value


def names_in(field: str, value: Any) -> tuple[str, ...]:
    """Names that were sent, each once."""
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise StudioError(f"The {field} are no list of ids; choose them from the list.")
    if len(value) > MOST_CAMPAIGNS:
        raise StudioError(f"{len(value)} {field} are chosen; choose at most {MOST_CAMPAIGNS}.")
    return tuple(dict.fromkeys(value))
