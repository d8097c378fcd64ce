"""`world`: the sound world that the embedded model learnt."""

import argparse
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from studio.cli.telling import number, tell
from studio.services.services import Services


def add_to(verbs: Any) -> None:
    """The verb, its ways and their flags."""
    world = verbs.add_parser("world", help="the sound world that the embedded model learnt")
    ways = world.add_subparsers(dest="way", required=True, metavar="render|prompts")
    render = ways.add_parser("render", help="what a caption, or a random scene, should sound like")
    render.add_argument("caption", nargs="?", metavar="CAPTION")
    render.add_argument("--scene", type=number, metavar="SEED", help="a random scene instead")
    render.add_argument("--seed", type=number, default=0, help="of the render of a caption")
    render.add_argument("--seconds", type=number, default=10.0, help="of the render of a caption")
    render.add_argument("--out", type=Path, required=True, metavar="FILE")
    render.set_defaults(do=render_world)
    prompts = ways.add_parser("prompts", help="write the prompt sets of assets/prompts anew")
    prompts.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    prompts.set_defaults(do=write_prompts)


def render_world(services: Services, asked: argparse.Namespace) -> int:
    """The file, its caption and its strong labels."""
    if (asked.caption is None) == (asked.scene is None):
        raise StudioError("Give a CAPTION in quotes, or --scene SEED, and not both.")
    if asked.scene is not None:
        tell(**services.world.render_scene(asked.scene, asked.out))
    else:
        tell(**services.world.render(asked.caption, asked.out, asked.seed, asked.seconds))
    return 0


def write_prompts(services: Services, asked: argparse.Namespace) -> int:
    """One line per set."""
    for path, count in services.world.write_prompts(asked.out):
        tell(path=str(path), prompts=count)
    return 0
