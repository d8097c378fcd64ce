"""A checkpoint file in LAION's layout with random weights, and a tokenizer to lie beside it."""

from pathlib import Path

import numpy as np
import torch

from pipelines.clap.checkpoint import Sizes
from pipelines.clap.laion import build_laion

WORDS = 300
NARROW = {"width": 16, "depths": (2, 1, 1, 1), "text_layers": 1, "text_inner": 64, "words": WORDS}
TINY = {**NARROW, "width": 96, "depths": (2, 2, 6, 2)}
BASE = {**NARROW, "width": 128, "depths": (2, 2, 12, 2), "text_layers": 12, "text_inner": 3072}


def write_checkpoint(folder: Path, shape: dict, *, is_fused: bool, seed: int = 0) -> Path:
    """Random weights as LAION saves them: "module." before each name, numbers beside the tensors.

    The statistics of the batch norms are perturbed, because at their starting values the tower
    gives nearly the same vector for every sound.
    """
    sizes = Sizes(
        heads=(4, 8, 16, 32), is_fused=is_fused, classes=527, places=80, text_width=768,
        dimensions=512, **shape,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build_laion(sizes)
        for name, values in model.named_buffers():
            level, spread = (-30.0, 200.0) if ".bn0." in name else (0.0, 1.0)
            if name.endswith("running_mean"):
                values.copy_(level + torch.randn(values.shape) * spread**0.5)
            elif name.endswith("running_var"):
                values.copy_(spread * (0.5 + torch.rand(values.shape)))
    tensors = {f"module.{name}": tensor for name, tensor in model.state_dict().items()}
    tensors["module.text_branch.embeddings.position_ids"] = torch.arange(80)[None]
    path = folder / ("fusion.pt" if is_fused else "plain.pt")
    torch.save({"epoch": 3, "state_dict": tensors, "best": np.float64(0.5)}, path)
    return path


def write_tokenizer(folder: Path, words: int = WORDS) -> None:
    """A word-level tokenizer with RoBERTa's special ids: <s> 0, <pad> 1, </s> 2, <unk> 3."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    names = ["<s>", "<pad>", "</s>", "<unk>", *(f"w{i}" for i in range(words - 4))]
    core = Tokenizer(
        models.WordLevel({name: place for place, name in enumerate(names)}, unk_token="<unk>")
    )
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    core.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token="<s>", pad_token="<pad>", eos_token="</s>",
        unk_token="<unk>",
    ).save_pretrained(folder)  # fmt: skip
