"""What a person may ask to have voted on: checked at the door, in words that say what to do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.errors import StudioError
from pipelines.prompts.orders import check_order
from pipelines.seeds import check_seed
from pipelines.vote.rubrics import ASPECTS, BATTLE_ASPECTS, RUBRICS, TASKS
from studio.config import Config
from studio.services.campaigns.passphrases import hashed
from studio.services.campaigns.systems import check_systems
from studio.services.prompt_sets import known_rows
from studio.services.requests import check_prompts, draw_seed, number, whole

MOST_VOTES = 10_000  # of one item, and by one voter
MOST_TAGS, TAG_LENGTH, TITLE_LENGTH = 12, 60, 120
CHOICES = {
    "reveals": ("on request", "never"),
    "who": ("anyone", "passphrase", "account"),
    "voters": ("people", "simulated"),
}


@dataclass(frozen=True, kw_only=True)
class CampaignRequest:
    """A checked campaign; as plain values it is the definition that is stored."""

    title: str
    task: str
    aspects: tuple[str, ...]
    rubric: str | None
    half_steps: bool
    prompts: tuple[dict[str, Any], ...]
    systems: tuple[dict[str, Any], ...]
    takes: int
    votes_wanted: int
    most_per_voter: int | None
    gold: float
    same_system: float
    reveals: str
    heard_share: float
    who: str
    passphrase: dict[str, str] | None
    is_listed: bool
    voters: str
    study: str | None
    seed: int
    comparison: str | None = None  # whose two sides it sets against each other

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        found = asdict(self)
        if self.comparison is None:
            del found["comparison"]
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in found.items()
        }


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What may be wished of a campaign beside prompts, task and systems; None: the usual."""

    title: str = "Vote"
    aspects: Sequence[str] = ()
    rubric: str | None = None
    half_steps: bool = False
    takes: float = 1
    votes_wanted: float = 4
    most_per_voter: float | None = None
    gold: float | None = None
    same_system: float | None = None
    reveals: str = "never"
    heard_share: float = 0.8  # an end that is not heard may be where the order breaks
    who: str = "anyone"
    passphrase: str | None = None
    is_listed: bool = False
    voters: str = "people"
    study: str | None = None
    seconds: float = 10.0
    seed: float | None = None
    most: float | None = None  # sounds at once; None for what the page allows


def check_campaign(
    config: Config,
    prompts: Any,
    *,
    task: str | None,
    systems: Sequence[Any],
    defaults: Callable[[str], tuple[int, float]],
    title_of: Callable[[str], str],
    **wishes: Any,
) -> CampaignRequest:
    """A campaign that can be made, from whatever a form, a script or a stranger sent.

    Args:
        config: the limits.
        prompts: one per line, a list of them, or a list of rows with text, seconds, labels, tags.
        task: one of TASKS.
        systems: models by name, or rows with model, steps, guidance, sampler, title; or folders.
        defaults: the steps and guidance that are a model's own.
        title_of: how people call a model.
        wishes: fields of `Wishes`.

    Raises:
        StudioError: the first thing that is wrong.
    """
    if task is None:
        raise StudioError(f"Nothing is asked yet; give a template, or a task: {', '.join(TASKS)}.")
    if task not in TASKS:
        raise StudioError(f"The task is {str(task)[:40]!r}; choose from {', '.join(TASKS)}.")
    if unknown := sorted(set(wishes) - set(Wishes.__dataclass_fields__)):
        known = ", ".join(Wishes.__dataclass_fields__)
        raise StudioError(f"A campaign has no {', '.join(unknown)[:80]}; known are {known}.")
    asked = Wishes(**wishes)
    rows = check_rows(config, prompts, asked)
    made = check_systems(config, systems, task=task, defaults=defaults, title_of=title_of)
    takes = whole("The number of takes", asked.takes, 1, config.max_count)
    check_size(config, len(rows), len(made), takes, asked.most)
    return CampaignRequest(
        title=check_title(asked.title),
        task=task,
        aspects=check_aspects(task, asked.aspects),
        rubric=check_rubric(task, asked.rubric),
        half_steps=task == "mos" and is_yes("Half steps", asked.half_steps),
        prompts=rows,
        systems=made,
        takes=takes,
        votes_wanted=whole("The votes wanted", asked.votes_wanted, 1, MOST_VOTES),
        most_per_voter=None
        if asked.most_per_voter is None
        else whole("The most for each voter", asked.most_per_voter, 1, MOST_VOTES),
        **check_rates(task, takes, asked),
        reveals=check_choice("reveals", asked.reveals),
        heard_share=number("The share to be heard", asked.heard_share, 0, 1),
        **check_door(config, asked),
        is_listed=is_yes("Listed", asked.is_listed),
        voters=check_choice("voters", asked.voters),
        study=" ".join(str(asked.study).split())[:TITLE_LENGTH] if asked.study else None,
        seed=draw_seed() if asked.seed is None else check_seed(asked.seed),
    )


def check_rows(config: Config, prompts: Any, asked: Wishes) -> tuple[dict[str, Any], ...]:
    """The prompts with seconds, labels and tags; those of the studio's own sets bring theirs."""
    given = prompts.splitlines() if isinstance(prompts, str) else list(prompts or [])
    rows = [one if isinstance(one, Mapping) else {"text": str(one)} for one in given]
    if not rows:
        raise StudioError("A campaign needs prompts; give one on each line.")
    texts = check_prompts(config, [str(row.get("text") or "") for row in rows],
                          config.max_sounds_alone, "voted on")  # fmt: skip
    by_text = {" ".join(str(row.get("text") or "").split()): row for row in reversed(rows)}
    found = []
    for text in texts:
        row = {**known_rows().get(text, {}), **by_text[text]}
        found.append(
            {
                "text": text,
                "seconds": number(
                    "The duration", row.get("seconds") or asked.seconds, 0.5, 600.0, " s"
                ),
                "labels": words("labels", row.get("labels")),
                "tags": words("tags", row.get("tags")),
                **promised(row),
            }
        )
    return tuple(found)


def promised(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a prompt promises about the order of its labels, where it is told."""
    if row.get("order") is None:
        return {}
    return {"order": check_order(row["order"], len(words("labels", row.get("labels"))))}


def words(what: str, values: Any) -> list[str]:
    """Labels or tags of a prompt, trimmed."""
    given = [values] if isinstance(values, str) else list(values or [])
    found = list(
        dict.fromkeys(" ".join(str(value).split()) for value in given if str(value).strip())
    )
    if len(found) > MOST_TAGS or any(len(word) > TAG_LENGTH for word in found):
        raise StudioError(
            f"A prompt has {len(found)} {what}, the longest of {max(map(len, found))} characters; "
            f"give at most {MOST_TAGS} of {TAG_LENGTH} characters."
        )
    return found


def check_size(config: Config, prompts: int, systems: int, takes: int, most: Any) -> None:
    """Nothing, or a StudioError when the campaign is larger than the studio makes."""
    sounds, most = prompts * systems * takes, most or config.max_sounds
    if sounds > most:
        raise StudioError(
            f"{prompts} prompts, {systems} systems and {takes} takes are {sounds} sounds; at most "
            f"{most:g} are made here. Ask for fewer, or use the command line, "
            "`python -m studio.cli vote new`."
        )


def check_title(title: Any) -> str:
    """The title in one line."""
    found = " ".join(str(title).split())
    if len(found) > TITLE_LENGTH:
        raise StudioError(f"The title has {len(found)} characters; give at most {TITLE_LENGTH}.")
    return found


def check_aspects(task: str, aspects: Sequence[str]) -> tuple[str, ...]:
    """What is asked of each sound, or beside the verdict of a battle."""
    if task != "pairwise":
        return ASPECTS[task]
    given = [aspects] if isinstance(aspects, str) else list(aspects or [])
    if unknown := [str(one)[:40] for one in given if one not in BATTLE_ASPECTS]:
        raise StudioError(
            f"There is no aspect {unknown[0]!r}; choose from {', '.join(BATTLE_ASPECTS)}, or none."
        )
    return tuple(aspect for aspect in BATTLE_ASPECTS if aspect in given)


def check_rubric(task: str, rubric: Any) -> str | None:
    """Which scale of alignment a MOS test shows; other tasks have none."""
    if task != "mos":
        return None
    if (rubric or "general") not in RUBRICS:
        raise StudioError(f"The rubric is {str(rubric)[:40]!r}; choose from {', '.join(RUBRICS)}.")
    return rubric or "general"


def check_rates(task: str, takes: int, asked: Wishes) -> dict[str, float]:
    """Which share of battles checks the voter: gold, and two sounds of one system."""
    if task != "pairwise":
        return {"gold": 0.0, "same_system": 0.0}
    gold = 0.05 if asked.gold is None else number("The rate of gold battles", asked.gold, 0, 0.5)
    usual = 0.05 if takes > 1 else 0.0
    same = number(
        "The rate of same-system battles",
        usual if asked.same_system is None else asked.same_system,
        0,
        0.5,
    )
    if same and takes < 2:
        raise StudioError(
            "Same-system battles set two takes of one system against each other, and there is one "
            "take; ask for 2 takes, or for a rate of 0."
        )
    return {"gold": gold, "same_system": same}


def check_door(config: Config, asked: Wishes) -> dict[str, Any]:
    """Who may vote, and what proves it."""
    who = check_choice("who", asked.who)
    if who == "passphrase" and not asked.passphrase:
        raise StudioError("A campaign behind a passphrase needs one; give at least 4 characters.")
    if who == "account" and not config.can_sign_in:
        raise StudioError(
            "Hugging Face accounts are known only on a Space with hf_oauth; choose anyone or a "
            "passphrase here."
        )
    kept = hashed(asked.passphrase) if who == "passphrase" else None
    return {"who": who, "passphrase": kept}


def check_choice(what: str, value: Any) -> str:
    """One of the words that are allowed."""
    if value not in CHOICES[what]:
        raise StudioError(
            f"“{what}” is {str(value)[:40]!r}; choose from {', '.join(CHOICES[what])}."
        )
    return value


def is_yes(what: str, value: Any) -> bool:
    """The value, if it is true or false."""
    if not isinstance(value, bool):
        raise StudioError(f"{what} is {str(value)[:40]!r}; give true or false.")
    return value
