"""From runs to assets: half-precision weights in the folders that the studio loads."""

import copy
import logging
import shutil
from pathlib import Path

from diffusers.schedulers import FlowMatchEulerDiscreteScheduler
from torch import nn

from pipelines.clap import build
from pipelines.errors import StudioError
from pipelines.generate.tangoflux import TangoFluxPipeline
from pipelines.recipes.world.clap import PLANS as CLAP_PLANS
from pipelines.recipes.world.flow import FlowParts
from pipelines.recipes.world.listeners import EARS
from pipelines.recipes.world.parts import Workshop
from pipelines.recipes.world.training import trained_weights
from pipelines.recipes.world.words import world_tokenizer

LARGEST_FILE, LARGEST_TREE = 15 * 2**20, 32 * 10**6  # bytes of weights
SHARED = ("vae", "tokenizer", "scheduler", "text_encoder", "conditioner")  # clean has the base's
DEFAULT_STEPS, DEFAULT_GUIDANCE = 25, 4.5  # chosen on dev by the annotator: see the model card
SAMPLING_SHIFT = 3.0  # sampling spends more of its steps at high noise, as training does
log = logging.getLogger(__name__)


def publish(workshop: Workshop, assets: Path) -> None:
    """Write every part that has been trained, finished or not, into assets.

    Raises:
        StudioError: a file or the whole is larger than a repository should hold.
    """
    if _has(workshop, "base"):
        _publish_flow(workshop, "base", assets / "embedded")
    if _has(workshop, "clean"):
        _publish_flow(workshop, "clean", assets / "embedded-clean")
        for name in SHARED:
            shutil.rmtree(assets / "embedded-clean" / name)
    for kind in CLAP_PLANS:
        if _has(workshop, f"clap-{kind}"):
            clap = build(kind, world_tokenizer(), seed=0)
            trained_weights(workshop.root / f"clap-{kind}", clap).save(assets / f"clap-{kind}")
    for name, ear in EARS.items():
        if _has(workshop, name):
            model = trained_weights(workshop.root / name, ear())
            _half(model).save_pretrained(assets / name)
    _check_sizes(assets)


def _has(workshop: Workshop, part: str) -> bool:
    there = (workshop.root / part / "state.pt").exists()
    log.info("%s: %s", part, "published" if there else "not trained yet, left as it is")
    return there


def _half(module: nn.Module) -> nn.Module:
    return copy.deepcopy(module).half()


def _publish_flow(workshop: Workshop, run: str, folder: Path) -> None:
    parts = trained_weights(workshop.root / run, FlowParts(seed=0).freeze_conditioner())
    pipe = TangoFluxPipeline(
        vae=_half(workshop.autoencoder()),
        text_encoder=_half(parts.text_encoder),
        tokenizer=world_tokenizer(),
        transformer=_half(parts.transformer),
        conditioner=_half(parts.conditioner),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=SAMPLING_SHIFT),
        frames=64,
        default_steps=DEFAULT_STEPS,
        default_guidance=DEFAULT_GUIDANCE,
    )
    pipe.save_pretrained(folder)


def _check_sizes(assets: Path) -> None:
    sizes = {path: path.stat().st_size for path in assets.rglob("*.safetensors")}
    for path, size in sizes.items():
        if size > LARGEST_FILE:
            raise StudioError(f"{path} has {size:,} bytes; at most {LARGEST_FILE:,} are allowed.")
    total = sum(sizes.values())
    log.info("weights in assets: %.1f MB", total / 1e6)
    if total > LARGEST_TREE:
        raise StudioError(
            f"The weights have {total:,} bytes; at most {LARGEST_TREE:,} are allowed."
        )
