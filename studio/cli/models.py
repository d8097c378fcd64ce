"""`models`: the checkpoints that are here."""

import argparse
from typing import Any

from studio.cli.telling import tell
from studio.services.services import Services


def add_to(verbs: Any) -> None:
    """The verb and its flags."""
    verbs.add_parser("models", help="the checkpoints that are here").set_defaults(do=models)


def models(services: Services, asked: argparse.Namespace) -> int:
    """One line per checkpoint."""
    for found in services.models():
        tell(**{name: str(value) for name, value in vars(found).items()})
    return 0
