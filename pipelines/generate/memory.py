"""How much memory a model takes, by arithmetic: its own code runs on tensors that have no data.

    python -m pipelines.generate.memory

writes assets/memory.json: for each model and way of running the least memory of a device, in GB.
On the meta device a full-size model takes no memory, but every tensor still says how many bytes it
would hold and when it is let go; the largest sum at any moment is the floor. What a driver and its
kernels take beside it (about half a GB on CUDA) is not in it.
"""

import json
import sys
import weakref
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from pipelines.generate.catalogue import CATALOGUE
from pipelines.generate.codec import Codec
from pipelines.generate.conditioning import TextStates
from pipelines.generate.guided import GuidedSlope
from pipelines.generate.modes import TILE
from pipelines.generate.sizes import TangoFluxConfig, published_config
from pipelines.generate.tango import TangoText, answer
from pipelines.generate.tango import build as build_tango
from pipelines.generate.tango_sizes import TangoConfig
from pipelines.generate.tango_sound import TangoCodec, to_image
from pipelines.generate.tangoflux import build

TOKENS = 64  # text tokens of a prompt: all that training saw
FILE = Path(__file__).parents[2] / "assets" / "memory.json"


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of all tensors that are made inside the block and still held."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self.seen: set[int] = set()

    def hold(self, tensor: Tensor) -> None:
        """Count a tensor's storage until it is let go."""
        storage = tensor.untyped_storage()
        key = id(storage)
        if key not in self.seen:
            self.seen.add(key)
            self.now += storage.nbytes()
            self.most = max(self.most, self.now)
            weakref.finalize(storage, self.let_go, key, storage.nbytes())

    def let_go(self, key: int, size: int) -> None:
        """A storage is gone."""
        self.seen.discard(key)
        self.now -= size

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Do it, and count what it made."""
        found = function(*args, **(kwargs or {}))
        for each in found if isinstance(found, tuple | list) else [found]:
            if isinstance(each, Tensor):
                self.hold(each)
        return found


def peak_bytes(work: Callable[[], object], held: Iterable[Tensor] = ()) -> int:
    """The most bytes that are held at once while `work` runs, those of `held` included."""
    with LiveBytes() as live:
        for tensor in held:
            live.hold(tensor)
        result = work()
        del result
    return live.most


def bytes_of(module: nn.Module) -> int:
    """What its parameters and buffers take; a table under two names counts once."""
    found = {id(t): t.nbytes for t in [*module.parameters(), *module.buffers()]}
    return sum(found.values())


def text_rows(rows: int, width: int) -> TextStates:
    """Text states without data."""
    return TextStates(
        hidden=torch.empty(rows, TOKENS + 1, width, device="meta"),
        pooled=torch.empty(rows, width, device="meta"),
        mask=torch.ones(rows, TOKENS + 1, dtype=torch.bool),  # its values are asked for
    )


def tangoflux_floors(config: TangoFluxConfig, *, sounds: int = 1) -> dict[str, int]:
    """Bytes that TangoFlux needs to make so many sounds of full length at once, by mode.

    Args:
        config: its sizes.
        sounds: rows of a batch.
    """
    from diffusers import AutoencoderOobleck

    with torch.device("meta"):
        transformer, text_encoder, conditioner = build(config)
        vae = AutoencoderOobleck(**config.autoencoder)
    Codec(vae).fuse()
    width = config.conditioner["width"]

    def encode() -> object:
        ids = torch.zeros(2 * sounds, TOKENS, dtype=torch.long, device="meta")
        return text_encoder(input_ids=ids).last_hidden_state

    def step() -> object:
        latents = torch.empty(
            sounds, config.frames, config.transformer["in_channels"], device="meta"
        )
        rows = text_rows(sounds, width)
        levels = torch.ones(config.default_steps)
        slope = GuidedSlope(
            transformer, rows, rows, frames=config.frames, levels=levels, guidance=4.5
        )
        return slope(latents, 0)

    def decode(tile: int | None) -> Callable[[], object]:
        channels = vae.config.decoder_input_channels
        latents = torch.empty(sounds, config.frames, channels, device="meta")
        return lambda: Codec(vae).decode(latents, tile=tile)

    with torch.inference_mode():
        used = {
            "text": peak_bytes(encode),
            "step": peak_bytes(step),
            "decode": peak_bytes(decode(None)),
            "tiled": peak_bytes(decode(TILE)),
        }
        flow = bytes_of(transformer)
        nn.Module.to(transformer, dtype=torch.bfloat16)
        used["step in bfloat16"] = peak_bytes(step)
    sizes = {
        "text": bytes_of(text_encoder) + bytes_of(conditioner),
        "flow": flow,
        "sound": bytes_of(vae),
    }
    return by_mode(sizes, used)


def tango_floors(config: TangoConfig, *, sounds: int = 1) -> dict[str, int]:
    """Bytes that a Tango needs to make so many sounds at once, by mode.

    Args:
        config: its sizes.
        sounds: rows of a batch.
    """
    with torch.device("meta"):
        unet, text_encoder, vae, vocoder = build_tango(config)
    codec = TangoCodec(vae=vae, vocoder=vocoder, front=config.front)
    rows, width = 2 * sounds, text_encoder.config.d_model

    def encode() -> object:
        ids = torch.zeros(rows, TOKENS, dtype=torch.long, device="meta")
        return text_encoder(input_ids=ids).last_hidden_state

    def step() -> object:
        kind = unet.dtype
        latents = torch.empty(rows, config.frames, codec.width, device="meta", dtype=kind)
        text = TangoText(
            hidden=torch.empty(rows, TOKENS, width, device="meta", dtype=kind),
            mask=torch.ones(rows, TOKENS, dtype=torch.bool, device="meta"),
        )
        timestep = torch.zeros((), dtype=torch.long, device="meta")
        return answer(unet, to_image(latents, unet.config.in_channels), timestep, text)

    def decode() -> object:
        return codec.decode(torch.empty(sounds, config.frames, codec.width, device="meta"))

    with torch.inference_mode():
        used = {"text": peak_bytes(encode), "step": peak_bytes(step), "decode": peak_bytes(decode)}
        flow = bytes_of(unet)
        nn.Module.to(unet, dtype=torch.bfloat16)
        used |= {"step in bfloat16": peak_bytes(step), "tiled": used["decode"]}
    sound = bytes_of(vae) + bytes_of(vocoder)
    return by_mode({"text": bytes_of(text_encoder), "flow": flow, "sound": sound}, used)


def by_mode(sizes: Mapping[str, int], used: Mapping[str, int]) -> dict[str, int]:
    """Bytes of a device by mode.

    Args:
        sizes: of the weights of text encoder, flow and what decodes, in float32.
        used: what each phase needs beside the weights.
    """
    text, flow, sound = (sizes[name] for name in ("text", "flow", "sound"))
    plain = max(used["text"], used["step"], used["decode"])
    halved = max(used["text"], used["step in bfloat16"], used["decode"])
    return {
        "float32": text + flow + sound + plain,
        "bfloat16": text + flow // 2 + sound + halved,
        "low memory": max(text + used["text"], flow + used["step"], sound + used["tiled"]),
        "low memory, bfloat16": max(
            text + used["text"], flow // 2 + used["step in bfloat16"], sound + used["tiled"]
        ),
    }


def main() -> None:
    """Write the file."""
    told = {
        "tangoflux.safetensors": in_gb(tangoflux_floors(published_config())),
        "pytorch_model_main.bin": in_gb(tango_floors(TangoConfig())),
    }
    floors = {  # of a diffusers folder only the size of what is fetched is known before it is
        model.name: told.get(model.kind, {"float32, the weights alone": model.gigabytes})
        for model in CATALOGUE.values()
    }
    FILE.write_text(json.dumps(floors, indent=1) + "\n")
    sys.stdout.write(FILE.read_text())


def in_gb(floors: Mapping[str, int]) -> dict[str, float]:
    """As they are told."""
    return {mode: round(size / 1e9, 1) for mode, size in floors.items()}


if __name__ == "__main__":
    main()
