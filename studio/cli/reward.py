"""`reward`: reward models trained from campaigns, listed, shown, put to use on sounds, removed."""

import argparse
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from studio.cli.telling import number, progress_teller, say, tell
from studio.services.services import Services
from studio.services.sound_folders import captioned, read_captions, sounds_in, told_captions
from studio.visitors import HERE

# Settings as flags, with their kind and what they mean; what is not given is the preset's.
SETTINGS = (
    ("preset", str, "ours or paper: what the other settings are unless they are given"),
    ("text", str, "what reads prompts: clap, clap+t5 or t5 (default: by the number of labels)"),
    ("hears", str, "sounds in stretches, so that order shows, or whole (default: by the preset)"),
    ("loss", str, "of labels: bce or mse"),
    ("epochs", number, "passes over the labels"),
    ("batch_size", number, "labels, and pairs, in a step"),
    ("learning_rate", number, "of Adam"),
    ("weight_decay", number, "decoupled"),
    ("pair_share", number, "what pairs count for beside labels, 0 to 1"),
    ("agreeing", str, "several raters as their mean or their majority"),
    ("seed", number, "of weights, order and folds (default: drawn)"),
)
IN_A_LIST = ("id", "title", "status", "task", "simulated", "labels", "pairs", "prompts", "auc")
DRAWN = ("histogram", "disagreements", "history")  # of a view; a line would be too long with them


def add_to(verbs: Any) -> None:
    """The verb, its actions and their flags."""
    reward = verbs.add_parser("reward", help="reward models: what people said, learned")
    actions = reward.add_subparsers(dest="action", required=True, metavar="ACTION")
    make = actions.add_parser("train", help="from the labels and votes of campaigns")
    make.add_argument("campaigns", nargs="+", metavar="CAMPAIGN", help="ids, see `vote list`")
    make.add_argument("--title", help="what it is called")
    for name, kind, told in SETTINGS:
        make.add_argument(f"--{name.replace('_', '-')}", type=kind, help=told)
    make.add_argument("--hidden", type=number, nargs="*", metavar="WIDTH", help="of hidden layers")
    make.set_defaults(do=train)
    actions.add_parser("list", help="all reward models here").set_defaults(do=listed)
    for name, does, told in (
        ("show", show, "one with its figures"),
        ("remove", remove, "take one off the list and off the disk"),
    ):
        action = actions.add_parser(name, help=told)
        action.add_argument("reward", metavar="ID")
        action.set_defaults(do=does)
    use = actions.add_parser("score", help="rewards of the sounds in a folder")
    use.add_argument("reward", metavar="ID", help="or clap, for CLAP's own similarity")
    use.add_argument("folder", type=Path, metavar="DIR")
    use.add_argument(
        "--captions", type=Path, metavar="FILE",
        help="CSV with the columns file and caption (default: the prompts inside our own files)",
    )  # fmt: skip
    use.set_defaults(do=score)


def train(services: Services, asked: argparse.Namespace) -> int:
    """The reward model, on one line; its verdict for the person."""
    settings = {name: getattr(asked, name) for name, *_ in SETTINGS} | {"hidden": asked.hidden}
    found = services.reward.train_now(
        HERE, progress_teller(), campaigns=asked.campaigns, title=asked.title, settings=settings
    )
    told(found)
    if found["error"]:
        raise StudioError(found["error"])
    return 0 if found["status"] == "done" else 1


def listed(services: Services, asked: argparse.Namespace) -> int:
    """One line per reward model, the newest first."""
    for found in services.reward.models(HERE):
        tell(**{name: found[name] for name in IN_A_LIST})
    return 0


def show(services: Services, asked: argparse.Namespace) -> int:
    """One line; the verdict for the person."""
    told(services.reward.view(asked.reward, HERE))
    return 0


def remove(services: Services, asked: argparse.Namespace) -> int:
    """Gone, but not the votes that it learned from."""
    services.reward.remove(asked.reward, HERE)
    tell(id=asked.reward, is_removed=True)
    return 0


def score(services: Services, asked: argparse.Namespace) -> int:
    """One line per sound: file, caption, reward."""
    sounds = sounds_in(asked.folder)
    if asked.captions:
        sounds = captioned(sounds, read_captions(asked.captions))
    for row in services.reward.score_sounds(asked.reward, HERE, told_captions(sounds)):
        tell(**row)
    return 0


def told(found: dict[str, Any]) -> None:
    """A view on one line, without what is drawn, and its sentences on the side."""
    tell(**{name: value for name, value in found.items() if name not in DRAWN})
    for sentence in [*found["notices"], *found["verdict"]]:
        say(sentence)
