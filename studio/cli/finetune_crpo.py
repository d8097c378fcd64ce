"""`finetune crpo`: the flags of a run that ranks its own candidates, and the wish that they make."""

import argparse
from pathlib import Path
from typing import Any

from studio.cli.telling import number
from studio.services.requests import read_prompt_file

# Settings as flags, with their kind and what they mean; what is not given is the preset's.
SETTINGS = (
    ("preset", str, "embedded or paper: what the other settings are unless they are given"),
    ("iterations", number, "each from the model that the one before made"),
    ("prompts", number, "drawn for each iteration"),
    ("candidates", number, "of each prompt, N"),
    ("margin", number, "least gap of rewards between winner and loser"),
    ("guidance", number, "of candidates; 1 is none"),
    ("given_share", number, "of each step, pairs of people or of a set (0.5 where there are any)"),
    ("reward_weight", number, "of the reward model, 0 to 1; the rest is CLAP's"),
    ("loss", str, "crpo, dpo or group"),
    ("beta", number, "how near to the model that an iteration starts from"),
    ("steps", number, "of an iteration"),
    ("epochs", number, "of an iteration's pairs, in place of steps"),
    ("pairs", number, "in a step"),
    ("learning_rate", number, "of AdamW"),
    ("rank", number, "of an iteration's adapter"),
    ("seed", number, "of prompts, candidates, weights and noise (default: drawn)"),
)


def add_crpo(make: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The flags of `finetune crpo`."""
    make.add_argument("campaigns", nargs="*", metavar="CAMPAIGN",
                      help="whose labels or votes are mixed in as pairs, see `vote list`")  # fmt: skip
    make.add_argument("--base", help="a name from `models`")
    make.add_argument("--from", dest="file", type=Path, metavar="FILE",
                      help="prompts to draw from, a .txt or .csv (default: its own world's)")  # fmt: skip
    make.add_argument("--set", help="a prompt set that comes with the studio, see `prompts`")
    make.add_argument("--reward", help="id of a reward model, or clap (default)")
    make.add_argument("--pair-set", help="a set of pairs of others: its id, see `folder`")
    make.add_argument("--title", help="of the model")
    make.add_argument("--all-weights", action="store_true", help="instead of an adapter")
    make.add_argument(
        "--offline", action="store_true", help="candidates of the first iteration only"
    )
    make.add_argument("--estimate", action="store_true", help="only say how long it would take")
    for name, kind, told in SETTINGS:
        make.add_argument(f"--{name.replace('_', '-')}", type=kind, help=told)
    return make


def crpo_wish(asked: argparse.Namespace) -> dict[str, Any]:
    """What the flags ask for.

    Raises:
        StudioError: a list of prompts that cannot be read.
    """
    given = {name: getattr(asked, name) for name, *_ in SETTINGS}
    settings = {name: value for name, value in given.items() if value is not None}
    if asked.all_weights:
        settings["rank"] = None
    if asked.offline:
        settings["online"] = False
    return {
        "recipe": "crpo",
        "title": asked.title,
        "campaigns": asked.campaigns,
        "reward": asked.reward,
        "folder": asked.pair_set,
        "prompts": None if asked.file is None else read_prompt_file(asked.file),
        "prompt_set": asked.set,
        "settings": settings,
        **({"base": asked.base} if asked.base else {}),
    }
