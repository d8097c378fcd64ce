"""A trained head as two files: its weights (safetensors), and what it stands on (JSON)."""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save

from pipelines.errors import StudioError
from pipelines.reward.head import HeadConfig, RewardHead
from pipelines.reward.stretches import Stretches

WEIGHTS, CARD = "reward.safetensors", "reward.json"


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What a head stands on: it means nothing over other embeddings, or for another task."""

    audio: str  # the encoder of sounds with its revision, such as "clap 5f2c…"
    text: str  # the encoder of prompts, the same way
    task: str  # what was labelled: "integrity", "temporal", "preference", …
    simulated: bool  # whether simulated listeners labelled; shown wherever the head is
    trained_on: dict[str, Any] = field(default_factory=dict)  # counts, settings, seed, data sets
    figures: dict[str, Any] = field(default_factory=dict)  # as measured on held-out groups


def save_head(head: RewardHead, ground: Ground, folder: Path) -> None:
    """Write a head into a folder, the card last: a folder with a card is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    card = {"head": asdict(head.config), "ground": asdict(ground)}
    tensors = {name: tensor.contiguous() for name, tensor in head.state_dict().items()}
    for name, content in (
        (WEIGHTS, save(tensors)),
        (CARD, (json.dumps(card, indent=2) + "\n").encode()),
    ):
        part = folder / f"{name}.part"
        part.write_bytes(content)
        part.replace(folder / name)


def load_head(
    folder: Path, *, audio: str | None = None, text: str | None = None
) -> tuple[RewardHead, Ground]:
    """A head that `save_head` wrote, and what it stands on.

    Args:
        folder: where it lies.
        audio: the encoder of sounds that it is to be used with; None: not checked.
        text: the encoder of prompts, the same way.

    Raises:
        StudioError: files that are missing, broken, or do not fit each other; other encoders.
    """
    config, ground = _read_card(folder / CARD)
    for what, wanted, given in (("sounds", ground.audio, audio), ("prompts", ground.text, text)):
        if given is not None and given != wanted:
            raise StudioError(
                f"The reward model in {folder} was trained on {what} embedded by {wanted}, and "
                f"these are by {given}; use that one, or train the reward model again."
            )
    head = RewardHead(config, seed=0)
    try:
        tensors = load_file(folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise StudioError(
            f"The weights of the reward model in {folder} cannot be read ({error}); train it again."
        ) from error
    own = {name: tuple(tensor.shape) for name, tensor in head.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if own != found:
        odd = sorted(name for name in own | found if own.get(name) != found.get(name))
        raise StudioError(
            f"The weights of the reward model in {folder} do not fit its card: {odd[0]} is "
            f"{found.get(odd[0])}, not {own.get(odd[0])}; train it again."
        )
    head.load_state_dict(tensors)
    return head.eval(), ground


def _read_card(path: Path) -> tuple[HeadConfig, Ground]:
    try:
        card = json.loads(path.read_text())
        shape, ground = dict(card["head"]), dict(card["ground"])
        shape["hidden"] = tuple(shape["hidden"])
        layout = shape.setdefault("stretches", None)  # older cards tell of none
        for kind, given in ((HeadConfig, shape), (Ground, ground)):
            known = {one.name for one in fields(kind)}
            if given.keys() != known:
                raise KeyError(f"{sorted(given.keys() ^ known)}; known: {sorted(known)}")
        shape["stretches"] = layout and Stretches(**layout)
        return HeadConfig(**shape), Ground(**ground)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudioError(
            f"The card {path} of a reward model cannot be read ({error}); train it again."
        ) from error
