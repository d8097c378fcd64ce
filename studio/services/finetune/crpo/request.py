"""What a person may ask of a CRPO run: prompts, a reward, pairs beside the ranked ones, settings."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pipelines.errors import StudioError
from studio.config import Config
from studio.refusals import Unknown
from studio.services.finetune.crpo.settings import check_settings, check_shared, config_of
from studio.services.finetune.request import (
    CLAP,
    CRPO,
    FIELDS,
    ID,
    Wish,
    check_title,
    name_in,
    names_in,
)
from studio.services.finetune.settings import EMBEDDED
from studio.services.prompt_sets import prompts_of
from studio.services.requests import check_prompts

MOST_LINES = 20_000  # prompts that a person may send
NOT_OURS = ("unlabelled", "pretrain_folder")  # fields that mean nothing here


def check_wish(config: Config, asked: Mapping[str, Any], usual: Mapping[str, Any]) -> Wish:
    """A wish that can be tried, from whatever a form, a script or a stranger sent.

    Args:
        config: the limits.
        asked: FIELDS, of which most may be left out.
        usual: CRPO's settings that hold where nothing is asked for, by preset.

    Raises:
        StudioError: the first thing that is wrong.
    """
    if unknown := sorted(set(asked) - set(FIELDS)):
        raise StudioError(
            f"{unknown[0][:40]!r} is no part of a fine-tuning; known are {', '.join(FIELDS)}."
        )
    if useless := [name for name in NOT_OURS if asked.get(name)]:
        raise StudioError(f"CRPO takes no {useless[0]}; leave it out.")
    reward = name_in("reward", asked) or CLAP
    if reward != CLAP and not ID.fullmatch(reward):
        raise Unknown("There is no such reward model here; choose one from the list.")
    campaigns = names_in("campaigns", asked.get("campaigns") or [])
    folder = name_in("folder", asked)
    settings = check_settings(
        asked.get("settings") or {}, usual, has_given=bool(campaigns) or folder is not None
    )
    wish = Wish(
        recipe=CRPO,
        title=check_title(asked.get("title")),
        base=name_in("base", asked) or config.model,
        campaigns=campaigns,
        reward=reward,
        unlabelled=0,
        folder=folder,
        pretrain_folder=None,
        settings=settings,
        prompts=lines_in(config, asked.get("prompts")),
        prompt_set=name_in("prompt_set", asked),
    )
    wish = with_enough_prompts(wish, asked.get("settings") or {})
    config_of(wish.settings)  # says what does not go together
    if config.is_shared:
        check_shared(wish.settings)
    return wish


def lines_in(config: Config, prompts: Any) -> tuple[str, ...]:
    """The prompts that were sent, each once."""
    if not prompts:
        return ()
    is_list = isinstance(prompts, list | tuple) and all(isinstance(one, str) for one in prompts)
    if not isinstance(prompts, str) and not is_list:
        raise StudioError("The prompts are no text and no list of texts; send one prompt per line.")
    return check_prompts(config, prompts, MOST_LINES, "drawn from")


def texts_of(wish: Wish) -> tuple[str, ...]:
    """The prompts that a wish names, none where they come from the world of the base.

    Raises:
        StudioError: both kinds, no such set, or none for a base whose world is not here.
    """
    if wish.prompts and wish.prompt_set:
        raise StudioError("Prompts and a prompt set are both given; give one of the two.")
    if wish.prompt_set is not None:
        return tuple(dict.fromkeys(prompts_of(wish.prompt_set)))
    if not wish.prompts and not wish.base.startswith(EMBEDDED) and wish.settings["given_share"] < 1:
        raise StudioError(
            f"There is no world here to draw prompts for {wish.base[:80]} from; give prompts, one "
            "per line, or choose a set."
        )
    return wish.prompts


def with_enough_prompts(wish: Wish, given: Mapping[str, Any]) -> Wish:
    """The wish, an iteration of which draws no more prompts than there are.

    Raises:
        StudioError: more were asked for.
    """
    there = len(texts_of(wish))
    if not there or wish.settings["given_share"] == 1 or wish.settings["prompts"] <= there:
        return wish
    if given.get("prompts") is not None:
        raise StudioError(
            f"An iteration is to draw {wish.settings['prompts']} prompts and {there} are given; ask "
            "for fewer, or give more."
        )
    return replace(wish, settings={**wish.settings, "prompts": there})
