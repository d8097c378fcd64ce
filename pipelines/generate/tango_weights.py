"""The published Tango tensors under the names that stock classes have for them."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
KERNEL = re.compile(r"mid\.attn_1\.(q|k|v|proj_out)\.weight$")  # matrices here, 1x1 kernels there


def vae_name(name: str, depth: int) -> str:
    """The published name of a tensor of AutoencoderKL.

    Args:
        name: as `AutoencoderKL` calls it.
        depth: how many resolutions it has; the original counts those of the decoder backwards.

    >>> vae_name("decoder.up_blocks.0.resnets.1.conv_shortcut.bias", 3)
    'decoder.up.2.block.1.nin_shortcut.bias'
    """
    for own, theirs in ATTENTION.items():
        name = name.replace(f"mid_block.attentions.0.{own}.", f"mid.attn_1.{theirs}.")
    name = re.sub(
        r"mid_block\.resnets\.(\d)\.", lambda found: f"mid.block_{int(found[1]) + 1}.", name
    )
    name = re.sub(r"down_blocks\.(\d+)\.", r"down.\1.", name)
    name = re.sub(r"up_blocks\.(\d+)\.", lambda found: f"up.{depth - 1 - int(found[1])}.", name)
    name = re.sub(r"\.resnets\.(\d+)\.", r".block.\1.", name)
    name = re.sub(r"\.(down|up)samplers\.0\.conv\.", r".\1sample.conv.", name)
    return name.replace(".conv_shortcut.", ".nin_shortcut.").replace(
        ".conv_norm_out.", ".norm_out."
    )


class PublishedVae:
    """AutoencoderKL under the names, and with the kernels, of the published file."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        depth = len(module.config.block_out_channels)
        self.names = {vae_name(name, depth): name for name in module.state_dict()}

    def state_dict(self) -> dict[str, Tensor]:
        """Tensors under their published names."""
        own = self.module.state_dict()
        return {
            published: own[name][..., None, None] if KERNEL.search(published) else own[name]
            for published, name in self.names.items()
        }

    def load_state_dict(self, state_dict: Mapping[str, Tensor], *, assign: bool) -> None:
        """Take tensors under their published names."""
        own = {
            self.names[name]: value[..., 0, 0] if KERNEL.search(name) else value
            for name, value in state_dict.items()
        }
        self.module.load_state_dict(own, assign=assign)


class PublishedVocoder:
    """SpeechT5HifiGan under the published names; its mean and scale, which are unused, stay out."""

    UNUSED = {"mean": torch.zeros, "scale": torch.ones}

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def state_dict(self) -> dict[str, Tensor]:
        """Tensors under their published names."""
        own = self.module.state_dict()
        return {
            re.sub(r"^upsampler\.", "ups.", name): value
            for name, value in own.items()
            if name not in self.UNUSED
        }

    def load_state_dict(self, state_dict: Mapping[str, Tensor], *, assign: bool) -> None:
        """Take tensors under their published names."""
        own = {re.sub(r"^ups\.", "upsampler.", name): value for name, value in state_dict.items()}
        bands = self.module.config.model_in_dim
        unused = {name: make(bands) for name, make in self.UNUSED.items()}
        self.module.load_state_dict({**own, **unused}, assign=assign)
