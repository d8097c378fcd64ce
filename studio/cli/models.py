"""`models`: the checkpoints that are here, the published ones with their terms, and accepting those."""

import argparse
from typing import Any

from studio.cli.telling import say, tell
from studio.services.services import Services


def add_to(verbs: Any) -> None:
    """The verb, its actions and its flags."""
    found = verbs.add_parser("models", help="the checkpoints that are here")
    found.set_defaults(do=models)
    actions = found.add_subparsers(metavar="ACTION")
    known = actions.add_parser("published", help="what can be fetched from the Hub, on which terms")
    known.set_defaults(do=published)
    agreed = actions.add_parser("accept", help="accept the licence of a published model")
    agreed.add_argument("name", metavar="NAME", help="as `models published` names it")
    agreed.set_defaults(do=accept)


def models(services: Services, asked: argparse.Namespace) -> int:
    """One line per checkpoint."""
    for found in services.models():
        tell(**{name: str(value) for name, value in vars(found).items()})
    return 0


def published(services: Services, asked: argparse.Namespace) -> int:
    """One line per published model."""
    for found in services.engines.licences.catalogue():
        tell(**found)
    return 0


def accept(services: Services, asked: argparse.Namespace) -> int:
    """Show the licence, and remember that it was accepted."""
    model = services.engines.licences.accept(asked.name)
    say(f"{model.title}: {model.licence}. The whole of it is at {model.page}.")
    tell(name=model.name, licence=model.licence, page=model.page, is_accepted=True)
    return 0
