"""`vote export`, `vote import` and `vote push`: what a campaign holds, out and in."""

import argparse
import os
from pathlib import Path
from typing import Any

from studio.cli.telling import number, say, tell
from studio.services.services import Services
from studio.visitors import HERE

FORMS = "csv, studio, datasets, trl, tangoflux, unpaired, baton, all"
WISHES = ("fair", "ties", "both_bad", "agreement", "aspect")


def add_to(actions: Any) -> None:
    """The actions and their flags."""
    out = actions.add_parser("export", help="votes and sounds as a folder, for training or to keep")
    out.add_argument("campaign", metavar="ID")
    out.add_argument("--as", dest="form", default="all", metavar="FORM", help=FORMS)
    out.add_argument("--out", type=Path, required=True, help="a new folder")
    add_wishes(out)
    out.set_defaults(do=export)
    push = actions.add_parser("push", help="the same on the Hugging Face Hub; needs HF_TOKEN")
    push.add_argument("campaign", metavar="ID")
    push.add_argument("repository", metavar="ORG/NAME")
    push.add_argument("--public", action="store_true", help="for everybody (default: private)")
    add_wishes(push)
    push.set_defaults(do=push_to_hub)
    bring = actions.add_parser("import", help="votes of another studio, or a preference set")
    bring.add_argument("path", type=Path, help="a folder or .zip of `export`, a .json or .jsonl")
    bring.add_argument("--sounds", type=Path, help="folder of the sounds that rows name")
    bring.add_argument("--task", help="integrity or temporal, for labels that do not say it")
    bring.add_argument("--title", help="what the campaign is called here")
    bring.set_defaults(do=bring_in)


def add_wishes(action: argparse.ArgumentParser) -> None:
    """Which sounds, and which pairs may train."""
    action.add_argument("--fair", action="store_true", help="sounds as played, not as made")
    action.add_argument("--ties", action="store_true", help="pairs most often called equal too")
    action.add_argument("--both-bad", action="store_true", help="pairs most often both bad too")
    action.add_argument(
        "--agreement", type=number, default=0.6, help="least share of votes for the winner (0.6)"
    )
    action.add_argument("--aspect", help="pairs from the answers to this one, such as relevance")


def export(services: Services, asked: argparse.Namespace) -> int:
    """One line: what was written, and what was left out."""
    wishes = {name: getattr(asked, name) for name in WISHES}
    told = services.vote_data.export(HERE, asked.campaign, asked.out, form=asked.form, **wishes)
    say_left_out(told)
    tell(**told)
    return 0


def push_to_hub(services: Services, asked: argparse.Namespace) -> int:
    """One line: where it is now."""
    wishes = {name: getattr(asked, name) for name in WISHES}
    told = services.vote_data.push(
        HERE, asked.campaign, asked.repository, os.environ, is_public=asked.public, **wishes
    )
    say_left_out(told)
    tell(**told)
    return 0


def bring_in(services: Services, asked: argparse.Namespace) -> int:
    """One line: the campaign, what was taken and what was refused."""
    told = services.vote_data.bring(
        HERE, asked.path, sounds=asked.sounds, task=asked.task, title=asked.title
    )
    for reason, count in told["refused"].items():
        say(f"{count} rows refused: {reason}.")
    tell(**told)
    return 0


def say_left_out(told: dict[str, Any]) -> None:
    """In words, for the person at the keyboard."""
    for reason, count in told["left_out"].items():
        say(f"{count} votes left out: {reason}.")
    for form, reasons in told["not_training_rows"].items():
        for reason, count in reasons.items():
            say(f"{form}: {count} left out, {reason}.")
