"""What a person may set of CRPO, within which bounds, and the configuration that it stands for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipelines.errors import StudioError
from studio.services.finetune.settings import EMBEDDED, SAVE_EVERY
from studio.services.requests import draw_seed, number, whole

if TYPE_CHECKING:
    from pipelines.recipes.crpo.config import CrpoConfig

SETTINGS = (
    "preset", "iterations", "prompts", "candidates", "margin", "guidance", "online", "given_share",
    "reward_weight", "loss", "beta", "steps", "epochs", "pairs", "learning_rate", "rank", "seed",
)  # fmt: skip
PRESETS = ("embedded", "paper")
LOSSES = ("crpo", "dpo", "group")
GIVEN_SHARE = 0.5  # of each step, where somebody's pairs were chosen and no share was
MOST_ITERATIONS, MOST_PROMPTS, MOST_STEPS = 50, 100_000, 100_000
# Of a whole run on a page of strangers, who share its two cores, and what it does there unless asked.
SHARED_CANDIDATES, SHARED_STEPS = 600, 400
SHARED_USUAL = {"iterations": 2, "prompts": 50}


def usual_settings(base: str, *, is_shared: bool = False) -> dict[str, dict[str, Any]]:
    """The settings of every preset, the base's own first; on a shared page what can be begun there."""
    from pipelines.recipes.crpo import config

    known = {"embedded": config.EMBEDDED, "paper": config.PAPER}
    names = PRESETS if base.startswith(EMBEDDED) else PRESETS[::-1]
    found = {name: settings_of(name, known[name]) for name in names}
    return {name: {**one, **(SHARED_USUAL if is_shared else {})} for name, one in found.items()}


def settings_of(preset: str, config: "CrpoConfig") -> dict[str, Any]:
    """A configuration as settings; those that are None are drawn, or follow from the request."""
    plan = config.plan
    told = ("iterations", "prompts", "candidates", "margin", "guidance", "online")
    learned = ("loss", "beta", "steps", "epochs", "pairs", "learning_rate")
    return {
        "preset": preset,
        **{name: getattr(config, name) for name in told},
        "given_share": None,
        "reward_weight": 1.0,
        **{name: getattr(plan, name) for name in learned},
        "rank": None if plan.adapter is None else plan.adapter.rank,
        "seed": None,
    }


def check_settings(given: Any, usual: Mapping[str, Any], *, has_given: bool) -> dict[str, Any]:
    """All of SETTINGS: what is given, and for the rest the preset's.

    Args:
        given: some of SETTINGS.
        usual: every setting, by preset; the first preset is the base's own.
        has_given: whether there are pairs of people's votes or of somebody's set beside the ranked.

    Raises:
        StudioError: an unknown setting or preset, or a value out of its range.
    """
    if not isinstance(given, Mapping):
        raise StudioError(f"The settings are a {type(given).__name__}; send an object.")
    if unknown := sorted(set(given) - set(SETTINGS)):
        raise StudioError(
            f"{str(unknown[0])[:40]!r} is no setting of CRPO; known are {', '.join(SETTINGS)}."
        )
    preset = given.get("preset") or next(iter(usual))
    if not isinstance(preset, str) or preset not in usual:
        raise StudioError(f"The preset is {str(preset)[:40]!r}; choose {' or '.join(usual)}.")
    if given.get("steps") is not None and given.get("epochs") is not None:
        raise StudioError("Steps and epochs are both given; give one of the two.")
    found = {**usual[preset], **given, "preset": preset}
    if given.get("epochs") is not None:
        found["steps"] = None
    return checked(found, has_given)


def checked(found: Mapping[str, Any], has_given: bool) -> dict[str, Any]:
    """Each within its bounds."""
    if found["loss"] not in LOSSES:
        raise StudioError(f"The loss is {str(found['loss'])[:40]!r}; choose {', '.join(LOSSES)}.")
    if not isinstance(found["online"], bool):
        raise StudioError(f"online is {str(found['online'])[:40]!r}; it must be true or false.")
    share = found["given_share"]
    if share is None:
        share = GIVEN_SHARE if has_given else 0.0
    share = number("The share of given pairs", share, 0, 1)
    if share and not has_given:
        raise StudioError(
            f"A share of {share:g} is for given pairs, and none are chosen; choose a campaign of "
            "yours or a set of pairs, or set the share to 0."
        )
    if has_given and not share:
        raise StudioError("Pairs are chosen and their share is 0; set a share above 0 and up to 1.")
    seed, steps, rank = found["seed"], found["steps"], found["rank"]
    guidance = found["guidance"]
    return {
        "preset": found["preset"],
        "iterations": whole("The number of iterations", found["iterations"], 1, MOST_ITERATIONS),
        "prompts": whole("The number of prompts", found["prompts"], 1, MOST_PROMPTS),
        "candidates": whole("The number of candidates (N)", found["candidates"], 2, 64),
        "margin": number("The least gap of a pair", found["margin"], 0, 1),
        "guidance": None if guidance is None else number("The guidance", guidance, 0, 20),
        "online": found["online"],
        "given_share": share,
        "reward_weight": number("The weight of the reward model", found["reward_weight"], 0, 1),
        "loss": found["loss"],
        "beta": number("beta", found["beta"], 0.001, 1_000_000),
        "steps": None if steps is None else whole("The number of steps", steps, 1, MOST_STEPS),
        "epochs": number("The number of epochs", found["epochs"], 0.01, 1000),
        "pairs": whole("The number of pairs in a step", found["pairs"], 1, 256),
        "learning_rate": number("The learning rate", found["learning_rate"], 1e-8, 0.1),
        "rank": None if rank is None else whole("The rank of the adapter", rank, 1, 256),
        "seed": draw_seed() if seed is None else whole("The seed", seed, 0, 2**31 - 1),
    }


def config_of(settings: Mapping[str, Any]) -> "CrpoConfig":
    """The configuration of checked settings: the preset's, but for what the settings say.

    Candidates lie in files of one batch each, so that a stop or a kill costs no more than that.

    Raises:
        StudioError: settings that do not go together.
    """
    from pipelines.finetune.adapters import AdapterConfig
    from pipelines.recipes.crpo import config

    own = {"embedded": config.EMBEDDED, "paper": config.PAPER}[settings["preset"]]
    rank = settings["rank"]
    adapter = replace(own.plan.adapter or AdapterConfig(), rank=rank) if rank is not None else None
    learned = ("loss", "beta", "steps", "epochs", "pairs", "learning_rate")
    plan = replace(
        own.plan,
        **{name: settings[name] for name in learned},
        adapter=adapter,
        save_every=own.plan.save_every if adapter is None else SAVE_EVERY,
    )
    told = ("iterations", "prompts", "candidates", "margin", "guidance", "online", "given_share")
    return replace(
        own,
        **{name: settings[name] for name in (*told, "seed")},
        part=max(1, own.batch // settings["candidates"]),
        plan=plan,
    )


def steps_in(settings: Mapping[str, Any], given: int = 0) -> int:
    """Steps of one iteration, if every prompt gives a pair, beside so many given ones."""
    ranked = 0 if settings["given_share"] == 1 else settings["prompts"]
    per_epoch = max(1, -(-(ranked + given) // settings["pairs"]))
    return settings["steps"] or max(1, round(settings["epochs"] * per_epoch))


def candidates_in(settings: Mapping[str, Any]) -> int:
    """Candidates that a whole run makes."""
    if settings["given_share"] == 1:
        return 0
    rounds = settings["iterations"] if settings["online"] else 1
    return rounds * settings["prompts"] * settings["candidates"]


def check_shared(settings: Mapping[str, Any], given: int = 0) -> None:
    """Nothing, or a StudioError for more than a page of strangers gives, so many given pairs included."""
    made, steps = candidates_in(settings), settings["iterations"] * steps_in(settings, given)
    for what, asked, most in (
        ("candidates", made, SHARED_CANDIDATES),
        ("steps", steps, SHARED_STEPS),
    ):
        if asked > most:
            raise StudioError(
                f"This run would take {asked} {what}; on this shared page a run takes at most {most}. "
                "Ask for fewer iterations, prompts or steps."
            )
