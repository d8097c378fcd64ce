"""`vote`: campaigns made, listed, shown, closed, opened, and voted in by simulated listeners."""

import argparse
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from pipelines.vote.rubrics import BATTLE_ASPECTS, RUBRICS, TASKS
from studio.cli import vote_board, vote_data
from studio.cli.telling import number, progress_teller, say, tell
from studio.services.prompt_sets import read_prompt_rows
from studio.services.services import Services
from studio.visitors import HERE

# Flags that are wishes of a campaign as they stand, with their kind and what they mean.
WISHES = (
    ("title", str, "what voters see above it"),
    ("takes", number, "sounds of each system for each prompt"),
    ("votes_wanted", number, "votes on each item"),
    ("most_per_voter", number, "items for one voter"),
    ("gold", number, "share of battles with a sound spoiled on purpose"),
    ("same_system", number, "share of battles between two takes of one system"),
    ("reveals", str, "“on request” or “never”: whether a voter may see the names after the vote"),
    ("heard_share", number, "part of each sound that must be heard, 0 to 1"),
    ("who", str, "anyone, passphrase or account"),
    ("study", str, "campaigns of one study keep integrity and temporal annotators apart"),
    ("seconds", number, "length of the sounds that are made"),
    ("seed", number, "of sounds, order and pairs (default: drawn)"),
)


def add_to(verbs: Any) -> None:
    """The verb, its actions and their flags."""
    vote = verbs.add_parser("vote", help="listening tests: campaigns and what comes of them")
    actions = vote.add_subparsers(dest="action", required=True, metavar="ACTION")
    add_new(actions.add_parser("new", help="make a campaign from prompts, or from folders"))
    actions.add_parser("list", help="all campaigns here").set_defaults(do=listed)
    for name, does, told in (
        ("show", show, "a campaign as it stands"),
        ("close", close, "take no more votes"),
        ("remove", remove, "take one that nobody voted in off the list"),
        ("open", reopen, "take votes again, or make the sounds that are missing"),
    ):
        action = actions.add_parser(name, help=told)
        action.add_argument("campaign", metavar="ID")
        action.set_defaults(do=does)
    make = actions.add_parser("simulate", help="votes of simulated listeners, for tests and demos")
    make.add_argument("campaign", metavar="ID", help="one made with --simulated")
    make.add_argument("--voters", type=number, default=10)
    make.add_argument("--votes", type=number, help="of each (default: all that there is)")
    make.add_argument("--seed", type=number, default=0)
    make.set_defaults(do=simulate)
    vote_board.add_to(actions)
    vote_data.add_to(actions)


def add_new(make: argparse.ArgumentParser) -> None:
    """The flags of `vote new`."""
    make.add_argument("--template", help="such as pairwise, baton-integrity, tangoflux-study")
    make.add_argument("--task", help=", ".join(TASKS))
    make.add_argument("--prompts", type=Path, metavar="FILE", help="a .txt or .csv")
    make.add_argument(
        "--models", nargs="+", default=[], metavar="MODEL[:steps=…,guidance=…]",
        help="the systems; one model at two settings counts as two",
    )  # fmt: skip
    make.add_argument(
        "--folders",
        nargs="+",
        default=[],
        metavar="NAME=DIR",
        help="systems whose sounds are there",
    )
    make.add_argument(
        "--captions", type=Path, metavar="FILE", help="of folders: a CSV with file and caption"
    )
    make.add_argument("--aspects", nargs="*", help=f"of battles: {', '.join(BATTLE_ASPECTS)}")
    make.add_argument("--rubric", help=f"of mos: {', '.join(RUBRICS)}")
    make.add_argument("--half-steps", action="store_true", default=None, help="of mos")
    make.add_argument("--listed", dest="is_listed", action="store_true", default=None,
                      help="in everybody's list, its board for all to see")  # fmt: skip
    make.add_argument("--simulated", dest="voters", action="store_const", const="simulated",
                      help="for simulated listeners alone")  # fmt: skip
    make.add_argument("--passphrase-file", type=Path, metavar="FILE", help="its first line")
    for name, kind, told in WISHES:
        make.add_argument(f"--{name.replace('_', '-')}", type=kind, help=told)
    make.set_defaults(do=new)


def new(services: Services, asked: argparse.Namespace) -> int:
    """The campaign, on one line."""
    if bool(asked.models) == bool(asked.folders):
        raise StudioError("Give --models or --folders, one of the two.")
    wishes = {name: getattr(asked, name) for name, *_ in WISHES}
    for name in ("task", "template", "aspects", "rubric", "half_steps", "is_listed", "voters"):
        wishes[name] = getattr(asked, name)
    if asked.passphrase_file:
        wishes |= {"passphrase": first_line(asked.passphrase_file), "who": "passphrase"}
    if asked.folders:
        found = services.campaign_folders.create_now(
            HERE, folders_of(asked.folders), progress_teller(), captions=asked.captions, **wishes
        )
    else:
        request = services.campaigns.check(
            read_prompt_rows(asked.prompts) if asked.prompts else None,
            systems=[system_of(words) for words in asked.models],
            most=services.config.max_sounds_alone,
            **wishes,
        )
        found = services.campaigns.create_now(HERE, request, progress_teller())
    for notice in found["notices"]:
        say(notice)
    tell(**found)
    if found["status"] == "failed":
        raise StudioError(found["said"])
    if found["voters"] == "simulated":
        say(f"Its listeners vote by `python -m studio.cli vote simulate {found['id']}`.")
    else:
        say(f"Voters come by the address of the studio with {found['link'][1:]} behind it.")
    return 0 if found["status"] == "open" else 1


def listed(services: Services, asked: argparse.Namespace) -> int:
    """One line per campaign, the newest first."""
    for found in services.campaigns.listing(HERE):
        kept = ("id", "title", "task", "status", "voters", "progress", "created_at")
        tell(**{name: found[name] for name in kept})
    return 0


def show(services: Services, asked: argparse.Namespace) -> int:
    """One line."""
    tell(**services.campaigns.view(asked.campaign, HERE))
    return 0


def close(services: Services, asked: argparse.Namespace) -> int:
    """The campaign as it is then."""
    services.campaigns.close(HERE, asked.campaign)
    return show(services, asked)


def remove(services: Services, asked: argparse.Namespace) -> int:
    """Gone, where nobody has voted in it."""
    services.campaigns.remove(HERE, asked.campaign)
    tell(id=asked.campaign, is_removed=True)
    return 0


def reopen(services: Services, asked: argparse.Namespace) -> int:
    """The campaign as it is then; missing sounds are made before."""
    services.campaigns.open(HERE, asked.campaign)
    while services.worker.run_next():
        pass
    return show(services, asked)


def simulate(services: Services, asked: argparse.Namespace) -> int:
    """One line with what was cast."""
    done = services.simulated_voters.simulate(
        asked.campaign,
        voters=asked.voters,
        votes_each=asked.votes,
        seed=asked.seed,
        on_progress=progress_teller(),
    )
    if done["skips"]:
        say(f"{done['skips']} of {done['votes']} votes are skips: the listener knows few words.")
    tell(**done)
    return 0


def system_of(words: str) -> dict[str, Any]:
    """A model and its settings, from NAME:steps=9,guidance=3."""
    name, _, settings = words.partition(":")
    told: dict[str, Any] = {"model": name}
    for part in filter(None, settings.split(",")):
        key, _, value = part.partition("=")
        is_number = key in {"steps", "guidance"}
        told[key] = number_of(words, value) if is_number else value
    return told


def number_of(words: str, value: str) -> float:
    """A number out of a system's settings."""
    try:
        return number(value)
    except argparse.ArgumentTypeError as error:
        raise StudioError(f"In {words!r}, {error}; write MODEL:steps=25,guidance=4.5.") from error


def folders_of(pairs: list[str]) -> dict[str, Path]:
    """Folders by the title of their system, from NAME=DIR."""
    found = {}
    for pair in pairs:
        name, _, folder = pair.partition("=")
        if not name or not folder or name in found:
            raise StudioError(f"{pair!r} is no folder of a system; write NAME=DIR, each name once.")
        found[name] = Path(folder)
    return found


def first_line(path: Path) -> str:
    """The first line of a file."""
    try:
        return (path.read_text(encoding="utf-8").splitlines() or [""])[0]
    except (OSError, UnicodeDecodeError) as error:
        raise StudioError(f"{path} cannot be read ({error}); give a text file.") from error
