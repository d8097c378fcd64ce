"""Our two small CLAPs before training: their sizes, their front ends, their starting weights."""

import copy
from typing import TYPE_CHECKING, Literal

import torch
from torch import nn

from pipelines.clap.model import LONGEST_TEXT, Clap
from pipelines.errors import StudioError

if TYPE_CHECKING:
    from transformers import ClapConfig, ClapFeatureExtractor, PreTrainedTokenizerFast

Kind = Literal["reward", "evaluation"]


def build(kind: Kind, tokenizer: "PreTrainedTokenizerFast", *, seed: int) -> Clap:
    """An untrained small CLAP of one kind; the same seed gives the same weights.

    Args:
        kind: "reward" or "evaluation".
        tokenizer: word-level, with a padding and an end token. A copy of it is kept that opens
            each text with the end token too, because the text tower reads its first place.
        seed: of the weights.
    """
    from transformers import ClapModel

    config, extractor = small_clap_config(kind, tokenizer)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = ClapModel(config)
        _start(model)
    return Clap(model, extractor, _opened_by_end_token(tokenizer))


def small_clap_config(
    kind: Kind, tokenizer: "PreTrainedTokenizerFast"
) -> tuple["ClapConfig", "ClapFeatureExtractor"]:
    """The configuration and the front end of one of our two small CLAPs (16 kHz).

    They differ in width, depth, mel bands, FFT and frame rate, so that what fools one need not
    fool the other. Windows last 11 s: the shortest whole number of seconds (the extractor takes
    no other) that holds a clip of 10.24 s. Hops are chosen so that a window fills the tower's
    input exactly: 256 frames of 64 mels, or 512 of 32, folded into 128 x 128.
    """
    from transformers import ClapConfig, ClapFeatureExtractor

    shapes = {
        "reward": {"mels": 64, "fft": 1024, "hop": 688, "width": 24, "depths": (1, 2, 2)},
        "evaluation": {"mels": 32, "fft": 512, "hop": 344, "width": 32, "depths": (1, 1, 2)},
    }
    if kind not in shapes:
        raise StudioError(f"There is no small CLAP {kind!r}; choose one of {', '.join(shapes)}.")
    shape = shapes[kind]
    extractor = ClapFeatureExtractor(
        feature_size=shape["mels"],
        sampling_rate=16_000,
        hop_length=shape["hop"],
        max_length_s=11,
        fft_window_size=shape["fft"],
        frequency_min=50,
        frequency_max=8_000,
        truncation="rand_trunc",  # names the Slaney filters; nothing is cropped here
        padding="pad",
    )
    audio = {
        "num_mel_bins": shape["mels"],
        "spec_size": 128,
        "window_size": 8,  # the last stage is 8 x 8: every place sees every other, so order shows
        "patch_embeds_hidden_size": shape["width"],
        "depths": list(shape["depths"]),
        "num_attention_heads": [2, 4, 8],
        "num_hidden_layers": len(shape["depths"]),
        "hidden_size": shape["width"] * 2 ** (len(shape["depths"]) - 1),
        "hidden_dropout_prob": 0.0,
        "mlp_ratio": 3.0,
    }
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 256,
        # Roberta counts places from the padding id + 1, so the table needs that many more.
        "max_position_embeddings": LONGEST_TEXT + tokenizer.pad_token_id + 1,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.eos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "layer_norm_eps": 1e-5,
    }
    return ClapConfig(text_config=text, audio_config=audio, projection_dim=128), extractor


@torch.no_grad()
def _start(model: nn.Module) -> None:
    """Starting weights by fan-in, std = inputs^-1/2, and words much larger than places.

    ClapModel's own take one width for all layers: right at 768, but at 24 the tower passes a
    sixth of what it hears, and all captions start with a cosine above 0.99.
    """
    for name, part in model.named_modules():
        if isinstance(part, nn.Linear | nn.Conv2d):
            nn.init.normal_(part.weight, std=part.weight[0].numel() ** -0.5)
        elif name.endswith("word_embeddings"):
            nn.init.normal_(part.weight, std=1.0)
        elif name.endswith("position_embeddings"):
            nn.init.normal_(part.weight, std=0.3)


def _opened_by_end_token(tokenizer: "PreTrainedTokenizerFast") -> "PreTrainedTokenizerFast":
    """A copy of a tokenizer that writes the end token at both ends of a text."""
    from tokenizers.processors import TemplateProcessing

    found = copy.deepcopy(tokenizer)
    end = tokenizer.eos_token
    found.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{end} $A {end}", special_tokens=[(end, tokenizer.eos_token_id)]
    )
    found.model_max_length = LONGEST_TEXT
    return found
