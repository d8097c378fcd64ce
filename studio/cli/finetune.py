"""`finetune`: runs begun with an estimate first, listed, shown, gone on with, kept and removed; folders."""

import argparse
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from studio.cli.finetune_crpo import add_crpo, crpo_wish
from studio.cli.telling import number, progress_teller, say, tell
from studio.services.services import Services
from studio.visitors import HERE

# Settings as flags, with their kind and what they mean; what is not given is the preset's.
SETTINGS = (
    ("preset", str, "embedded or paper: what the other settings are unless they are given"),
    ("steps", number, "of the optimiser"),
    ("epochs", number, "rounds through the labelled sounds, in place of steps"),
    ("learning_rate", number, "of AdamW"),
    ("beta", number, "weight of the loss on the base's own data, Eq. 7"),
    ("batch", number, "labelled sounds in a step"),
    ("pretrain", number, "sounds of the base's own data in a step"),
    ("rank", number, "of the adapter"),
    ("human_share", number, "of labelled sounds among those with rewards, 0 to 1"),
    ("sample_every", number, "steps between two times that it is listened to"),
    ("seed", number, "of weights, order and noise (default: drawn)"),
)
IN_A_LIST = ("id", "title", "status", "recipe", "base", "step", "steps", "adapter", "simulated")
DRAWN = ("losses", "samples", "log")  # of a view; a line would be too long with them


def add_to(verbs: Any) -> None:
    """The verb, its actions and their flags."""
    tune = verbs.add_parser("finetune", help="models aligned with what people said, or with sounds")
    actions = tune.add_subparsers(dest="action", required=True, metavar="ACTION")
    add_start(actions.add_parser("start", help="train here and now, after an estimate"))
    add_crpo(
        actions.add_parser("crpo", help="let it rank its own candidates, here and now")
    ).set_defaults(do=crpo)
    actions.add_parser("list", help="all runs here").set_defaults(do=listed)
    for name, does, told in (
        ("show", show, "a run as it stands"),
        ("stop", stop, "ask a run under way to save and stop"),
        ("resume", resume, "go on with a run from its last checkpoint"),
        ("keep", keep, "keep a finished run's model, under a title"),
        ("remove", remove, "remove a run's model, its files, or both"),
    ):
        action = actions.add_parser(name, help=told)
        action.add_argument("run", metavar="ID")
        action.set_defaults(do=does)
        if name == "keep":
            action.add_argument("--title", required=True)
            action.add_argument(
                "--iteration", type=number, help="of a CRPO run (default: its last)"
            )
        if name == "remove":
            action.add_argument("--only", choices=("model", "run"), help="default: both")
    take = actions.add_parser("folder", help="take in a zip of sounds with captions")
    take.add_argument("zip", type=Path, metavar="ZIP")
    take.add_argument("--title", help="what it is called")
    take.set_defaults(do=folder)


def add_start(make: argparse.ArgumentParser) -> None:
    """The flags of `finetune start`."""
    make.add_argument("campaigns", nargs="*", metavar="CAMPAIGN", help="ids, see `vote list`")
    make.add_argument("--base", help="a name from `models`")
    make.add_argument("--reward", help="id of a reward model, or clap, for further sounds")
    make.add_argument("--unlabelled", type=number,
                      help="further sounds to make and score (default: as many as labelled)")  # fmt: skip
    make.add_argument("--folder", help="plain fine-tuning on a folder: its id, see `folder`")
    make.add_argument(
        "--pretrain-folder", help="in place of a base's own data, where it is not here"
    )
    make.add_argument("--title", help="of the model")
    make.add_argument("--all-weights", action="store_true", help="instead of an adapter")
    make.add_argument("--estimate", action="store_true", help="only say how long it would take")
    for name, kind, told in SETTINGS:
        make.add_argument(f"--{name.replace('_', '-')}", type=kind, help=told)
    make.set_defaults(do=start)


def start(services: Services, asked: argparse.Namespace) -> int:
    """The estimate for the person, then the run, on one line."""
    given = {name: getattr(asked, name) for name, *_ in SETTINGS}
    settings = {name: value for name, value in given.items() if value is not None}
    if asked.all_weights:
        settings["rank"] = None
    wish = {
        "recipe": "supervised" if asked.folder else "baton",
        "title": asked.title,
        "campaigns": asked.campaigns,
        "reward": asked.reward,
        "unlabelled": asked.unlabelled,
        "folder": asked.folder,
        "pretrain_folder": asked.pretrain_folder,
        "settings": settings,
        **({"base": asked.base} if asked.base else {}),
    }
    return begun(services, wish, is_estimate=asked.estimate)


def crpo(services: Services, asked: argparse.Namespace) -> int:
    """The same of a run that ranks its own candidates."""
    return begun(services, crpo_wish(asked), is_estimate=asked.estimate)


def begun(services: Services, wish: dict[str, Any], *, is_estimate: bool) -> int:
    """How long it takes, for the person; then, unless that was all, the run on one line."""
    found = services.finetune.estimate(HERE, wish)
    for part in found["parts"]:
        say(f"{part['seconds']:7.1f} s  {part['what']}")
    say(
        f"{found['seconds']:7.1f} s  in all, about {found['memory_mb']} MB of memory; other work on "
        "this machine makes it longer"
    )
    if is_estimate:
        tell(**found)
        return 0
    return ended(services.finetune.start_now(HERE, wish, progress_teller()))


def resume(services: Services, asked: argparse.Namespace) -> int:
    """The run as it is in the end."""
    return ended(services.finetune.resume_now(HERE, asked.run, progress_teller()))


def ended(found: dict[str, Any]) -> int:
    """A run on one line, and its exit code."""
    told(found)
    if found["error"]:
        raise StudioError(found["error"])
    if found["adapter"]:
        say(f"It is a model now: `python -m studio.cli generate --model {found['adapter']} …`.")
    return 0 if found["status"] == "done" else 1


def listed(services: Services, asked: argparse.Namespace) -> int:
    """One line per run, the newest first."""
    for found in services.finetune.views.latest(HERE):
        tell(**{name: found[name] for name in IN_A_LIST})
    return 0


def show(services: Services, asked: argparse.Namespace) -> int:
    """One line."""
    told(services.finetune.views.view(asked.run, HERE))
    return 0


def stop(services: Services, asked: argparse.Namespace) -> int:
    """Whether there was anything to stop."""
    tell(id=asked.run, stopping=services.finetune.stop(HERE, asked.run))
    return 0


def keep(services: Services, asked: argparse.Namespace) -> int:
    """The run as it is then."""
    told(services.finetune.keep(HERE, asked.run, asked.title, asked.iteration))
    return 0


def remove(services: Services, asked: argparse.Namespace) -> int:
    """Gone."""
    services.finetune.remove(HERE, asked.run, asked.only)
    tell(id=asked.run, is_removed=True)
    return 0


def folder(services: Services, asked: argparse.Namespace) -> int:
    """The folder, on one line."""
    tell(**services.finetune.add_folder(HERE, asked.zip, asked.title))
    return 0


def told(found: dict[str, Any]) -> None:
    """A view on one line, its notices on the side."""
    for notice in found["notices"]:
        say(notice)
    tell(**{name: value for name, value in found.items() if name not in DRAWN})
