"""A run's settings as the page has them, and the plan of the training that they stand for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from studio.services.finetune.request import BATON, MOMENTS, PRESETS, SUPERVISED, Wish

if TYPE_CHECKING:
    from pipelines.finetune.plans import Plan

SAVE_EVERY = 10  # steps that a kill can cost at most; an adapter's checkpoint is small
# Times that each sound of a folder is seen where nobody says how long: what the 400 steps of 40 rows
# of the embedded model's plan give some 160 labelled sounds. Few sounds are soon known by heart.
OWN_PASSES, LEAST_STEPS = 100, 20
EMBEDDED = "embedded"  # names of models that begin so take our own plan first


def usual_settings(base: str) -> dict[str, dict[str, Any]]:
    """The settings of every preset, the base's own first."""
    from pipelines.finetune.plans import PLANS

    names = PRESETS if base.startswith(EMBEDDED) else PRESETS[::-1]
    return {name: settings_of(name, PLANS[name]) for name in names}


def settings_of(preset: str, plan: "Plan") -> dict[str, Any]:
    """A plan as settings."""
    return {
        "preset": preset,
        "steps": plan.steps,
        "epochs": plan.epochs,
        "learning_rate": plan.learning_rate,
        "beta": plan.beta,
        "batch": plan.mix.data,
        "pretrain": plan.mix.pretrain,
        "rank": None if plan.adapter is None else plan.adapter.rank,
        "human_share": plan.mix.human_share,
        "sample_every": None,
        "seed": None,
    }


def plan_of(settings: dict[str, Any], recipe: str = BATON) -> "Plan":
    """The plan of checked settings: the preset's, but for what the settings say.

    A creator's own sounds are to teach how they sound too, which is learned at low noise: for plain
    fine-tuning the levels that a plan keeps for the sounds of the base itself do not hold.
    """
    from pipelines.finetune.adapters import AdapterConfig
    from pipelines.finetune.plans import PLANS

    plan, rank = PLANS[settings["preset"]], settings["rank"]
    adapter = replace(plan.adapter or AdapterConfig(), rank=rank) if rank is not None else None
    return replace(
        plan,
        steps=settings["steps"],
        epochs=plan.epochs if settings["epochs"] is None else settings["epochs"],
        learning_rate=settings["learning_rate"],
        beta=settings["beta"],
        mix=replace(
            plan.mix,
            data=settings["batch"],
            pretrain=settings["pretrain"],
            human_share=settings["human_share"],
        ),
        adapter=adapter,
        data_levels=None if recipe == SUPERVISED else plan.data_levels,
        save_every=plan.save_every if adapter is None else SAVE_EVERY,
        seed=settings["seed"],
    )


def for_own_sounds(wish: Wish, asked: Mapping[str, Any], sounds: int) -> Wish:
    """The wish with its length by the number of sounds, on a folder and where nobody chose one.

    Each sound is then seen `OWN_PASSES` times, in `LEAST_STEPS` at least and the preset's at most.

    Args:
        wish: checked; whose settings are in epochs goes by that number already.
        asked: what it was made from.
        sounds: in the folder.
    """
    settings, given = wish.settings, asked.get("settings") or {}
    is_chosen = any(given.get(name) is not None for name in ("steps", "epochs"))
    if wish.recipe != SUPERVISED or is_chosen or settings["steps"] is None:
        return wish
    steps = max(LEAST_STEPS, -(-OWN_PASSES * sounds // settings["batch"]))
    return replace(wish, settings={**settings, "steps": min(settings["steps"], steps)})


def steps_per_epoch(settings: dict[str, Any], data_rows: int) -> int:
    """Steps in which as many data rows are drawn as there are."""
    return max(1, -(-data_rows // settings["batch"]))


def steps_of(settings: dict[str, Any], data_rows: int) -> int:
    """How many steps a run of so many data rows takes."""
    return plan_of(settings).steps_in(steps_per_epoch(settings, data_rows))


def sample_every(settings: dict[str, Any], steps: int) -> int:
    """Steps between two moments at which the run is listened to."""
    return settings["sample_every"] or max(1, -(-steps // MOMENTS))
