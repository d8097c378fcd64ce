"""What a person may ask of a training: campaigns and settings, checked at the door."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from pipelines.errors import StudioError
from pipelines.reward.plans import OURS, PAPER, TrainingConfig
from pipelines.seeds import SEED_LIMIT, check_seed
from studio.services.campaigns.request import check_title
from studio.services.requests import draw_seed, number, whole

CLAP_TEXT, T5_TEXT, BOTH_TEXTS = "clap", "t5", "clap+t5"
TEXTS = (CLAP_TEXT, BOTH_TEXTS, T5_TEXT)
IN_STRETCHES, WHOLE = "stretches", "whole"
ENOUGH = 300  # labels and pairs from which a T5's text beside CLAP's helps (pipelines.reward.head)
PLANS = {"ours": OURS, "paper": PAPER}
MOST_LAYERS, MOST_WIDTH = 4, 2048
CHOICES = {"preset": tuple(PLANS), "text": TEXTS, "loss": ("bce", "mse"),
           "agreeing": ("mean", "majority"), "hears": (IN_STRETCHES, WHOLE)}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A checked choice; as plain values it is what the job table keeps and the page shows."""

    preset: str
    text: str | None  # None: by the number of labels, CLAP's alone while they are few
    hears: str  # a sound in stretches, so that order shows, or as a whole, as the paper
    loss: str
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    hidden: tuple[int, ...]
    pair_share: float  # what pairs count for where there are labels too
    agreeing: str  # how several raters become one label
    seed: int | None  # None in a preset: drawn for each training

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "hidden": list(self.hidden)}

    def plan(self) -> TrainingConfig:
        """The same for `pipelines.reward.training`."""
        return TrainingConfig(
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            loss=self.loss,
            pair_share=self.pair_share,
        )

    def for_count(self, count: int) -> "Settings":
        """The same with the text encoder that so many labels and pairs ask for."""
        usual = BOTH_TEXTS if count >= ENOUGH else CLAP_TEXT
        return replace(self, text=self.text or usual)


def preset(name: str) -> Settings:
    """The settings that go by this name."""
    plan = PLANS[name]
    return Settings(
        preset=name,
        text=None if name == "ours" else CLAP_TEXT,
        hears=IN_STRETCHES if name == "ours" else WHOLE,
        loss=plan.loss,
        epochs=plan.epochs,
        batch_size=plan.batch_size,
        learning_rate=plan.learning_rate,
        weight_decay=plan.weight_decay,
        hidden=(256,),
        pair_share=plan.pair_share,
        agreeing="mean",
        seed=None,
    )


def presets() -> dict[str, dict[str, Any]]:
    """Both presets as plain values, for the form."""
    return {name: preset(name).plain() for name in PLANS}


def settings_from_plain(told: Mapping[str, Any]) -> Settings:
    """The settings that `plain` wrote."""
    return Settings(**{"hears": WHOLE, **told, "hidden": tuple(told["hidden"])})  # older: whole


def check_settings(asked: Any) -> Settings:
    """Settings that can be trained with, from whatever a form, a script or a stranger sent.

    Args:
        asked: fields of `Settings`, each of which may be missing or None for the preset's.

    Raises:
        StudioError: the first thing that is wrong.
    """
    if not isinstance(asked, Mapping):
        raise StudioError(f"The settings are a {type(asked).__name__}; send an object.")
    told = {name: value for name, value in asked.items() if value is not None}
    known = Settings.__dataclass_fields__
    if unknown := [str(name)[:40] for name in told if name not in known]:
        raise StudioError(f"There is no setting {unknown[0]!r}; known are {', '.join(known)}.")
    for name, choices in CHOICES.items():
        if name in told and told[name] not in choices:
            raise StudioError(
                f"The setting {name} is {str(told[name])[:40]!r}; choose from {', '.join(choices)}."
            )
    usual = preset(told.get("preset", "ours"))
    checked = {name: check(told[name]) for name, check in CHECKS.items() if name in told}
    chosen = {name: told[name] for name in CHOICES if name in told}
    if chosen.get("text") == T5_TEXT and chosen.setdefault("hears", WHOLE) != WHOLE:
        raise StudioError(
            "A T5 alone reads no phrases, which a reward model that hears stretches needs; choose "
            f"{CLAP_TEXT} or {BOTH_TEXTS} as the text, or hears {WHOLE}."
        )
    seed = (
        check_seed(number("The seed", told["seed"], 0, SEED_LIMIT - 1))
        if "seed" in told
        else draw_seed()
    )
    return replace(usual, **chosen, **checked, seed=seed)


def check_hidden(value: Any) -> tuple[int, ...]:
    """The widths of the hidden layers, from a number or a list of them."""
    widths = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    if len(widths) > MOST_LAYERS:
        raise StudioError(f"There are {len(widths)} hidden layers; give at most {MOST_LAYERS}.")
    return tuple(whole("The width of a hidden layer", width, 1, MOST_WIDTH) for width in widths)


def check_campaigns(asked: Any) -> list[str]:
    """Ids of campaigns as they were sent; whether they are there is looked up later."""
    if not isinstance(asked, list | tuple) or not all(isinstance(one, str) for one in asked):
        raise StudioError("Campaigns are given as a list of their ids.")
    return [one[:64] for one in asked]


def check_name(title: Any, titles: Sequence[str]) -> str:
    """The title of a reward model: what was given, or those of its campaigns."""
    if title is not None and not isinstance(title, str):
        raise StudioError(f"The title is a {type(title).__name__}; give a text.")
    more = f" and {len(titles) - 1} more" if len(titles) > 1 else ""
    return check_title(title or "") or check_title(f"Reward of {titles[0][:150]}{more}")


CHECKS = {
    "epochs": lambda value: whole("The number of epochs", value, 1, 1000),
    "batch_size": lambda value: whole("The batch size", value, 1, 4096),
    "learning_rate": lambda value: number("The learning rate", value, 1e-7, 1.0),
    "weight_decay": lambda value: number("The weight decay", value, 0.0, 10.0),
    "hidden": check_hidden,
    "pair_share": lambda value: number("The share of pairs", value, 0.0, 1.0),
}
