"""Narrow embedders with random weights, written as files in the published layouts."""

from pathlib import Path

import torch
from torch import nn

from pipelines.embedders.openl3 import L3
from pipelines.embedders.panns import FRONT_ENDS, MELS, Cnn14
from pipelines.embedders.passt import Passt
from pipelines.embedders.sound import mel_filters
from pipelines.embedders.vggish import Vgg
from pipelines.seeds import numpy_generator


def drawn(module: nn.Module, seed: int) -> dict[str, torch.Tensor]:
    """Tensors for every name of a module, from numpy, so that no version of torch changes them."""
    found = {}
    for name, tensor in module.state_dict().items():
        draw = numpy_generator(seed, name).standard_normal(tuple(tensor.shape))
        if name.endswith("num_batches_tracked"):
            found[name] = tensor
        elif name.endswith("running_var"):
            found[name] = torch.from_numpy(draw**2 + 1.0)
        elif tensor.ndim > 1:  # by fan-in, so that layers neither fade nor overflow
            gain = 1.7 if tensor.ndim == 4 else 1.0  # what follows a convolution weakens it
            found[name] = torch.from_numpy(gain * draw / tensor[0].numel() ** 0.5)
        else:
            found[name] = torch.from_numpy(0.1 * draw + (1.0 if name.endswith("weight") else 0.0))
    return {name: tensor.float() for name, tensor in found.items()}


def write_panns(folder: Path, fft: int = 512) -> Path:
    """Cnn14 with 2 channels in its first block and 5 classes."""
    rate, _, lowest, highest = FRONT_ENDS[fft]
    tensors = drawn(Cnn14(width=2, classes=5), seed=1)
    tensors["spectrogram_extractor.stft.conv_real.weight"] = torch.zeros(fft // 2 + 1, 1, fft)
    tensors["logmel_extractor.melW"] = mel_filters(fft, MELS, lowest, highest, rate)
    path = folder / f"Cnn14_{rate}.pth"
    torch.save({"iteration": 1, "model": tensors}, path)
    return path


def write_vggish(folder: Path) -> Path:
    """VGGish with 2 channels in its first stage and 16 hidden units."""
    path = folder / "vggish.pth"
    torch.save(drawn(Vgg(width=2, hidden=16), seed=2), path)
    return path


def write_passt(folder: Path) -> Path:
    """PaSST of one layer with 64 channels, and the second head that nothing reads."""
    tensors = drawn(Passt(width=64, depth=1, inner=32, classes=5), seed=3)
    path = folder / "passt.pt"
    torch.save({**tensors, "head_dist.weight": torch.zeros(5, 64)}, path)
    return path


def write_openl3(folder: Path) -> Path:
    """OpenL3 with 2 channels in its first convolution; its filters are some of our own."""
    tensors = drawn(L3(width=2), seed=4)
    basis = mel_filters(2048, 256, 0, 24_000, 48_000, scale="htk")
    tensors["speclayer.mel_basis"] = basis.T.contiguous()
    tensors["speclayer.dft_real_kernels"] = torch.zeros(1)
    path = folder / "openl3.pth.tar"
    torch.save(tensors, path)
    return path


def write_ast(folder: Path) -> Path:
    """AST of one layer with 24 channels and 5 classes."""
    from transformers import ASTConfig, ASTFeatureExtractor, ASTForAudioClassification

    model = ASTForAudioClassification(
        ASTConfig(
            hidden_size=24, num_hidden_layers=1, num_attention_heads=2, intermediate_size=48,
            num_labels=5,
        )
    )  # fmt: skip
    model.load_state_dict(drawn(model, seed=5))
    model.save_pretrained(folder / "ast")
    ASTFeatureExtractor().save_pretrained(folder / "ast")
    return folder / "ast"


WRITERS = {"panns": write_panns, "vggish": write_vggish, "passt": write_passt,
           "openl3": write_openl3, "openl3-stereo": write_openl3, "ast": write_ast}  # fmt: skip
