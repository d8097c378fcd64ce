"""laion-clap's own model behind the one interface: the second engine."""

import sys
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from pipelines.clap import checkpoint
from pipelines.clap.checkpoint import Sizes, read_checkpoint, sizes_of
from pipelines.clap.front_end import FrontEnd
from pipelines.clap.laion_import import IMPORTING, filters_stand_in, import_laion_clap, swapped
from pipelines.clap.model import LONGEST_TEXT, hash_of
from pipelines.clap.published import extractor_of
from pipelines.clap.windows import (
    check_texts,
    embed_in_windows,
    fixed_windows,
    heard,
    parts,
    sixteen_bit,
)
from pipelines.clap.words import PADDING, load_words
from pipelines.errors import StudioError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class LaionClap:
    """laion_clap's CLAP behind the one interface: every window exactly as long as it wants.

    So it never crops, by chance or otherwise, and never takes the branch for longer clips, whose
    three crops are drawn by chance. The mel spectrogram of a plain model is laion_clap's own; that
    of a fused one is ours, with the same filters, because laion_clap needs torchaudio for it.

    Args:
        model: laion_clap's CLAP, with its weights.
        tokenizer: of the model's words.
        is_fused: whether the model has the fusion branch.
        revision: hash of the weights.
        as_16_bit: whether clips are cut to 16-bit integers first, as laion_clap does with files.
    """

    engine = "laion"
    sample_rate = checkpoint.SAMPLE_RATE
    window = checkpoint.SAMPLE_RATE * checkpoint.WINDOW_SECONDS

    def __init__(
        self,
        model: nn.Module,
        tokenizer: "PreTrainedTokenizerBase",
        *,
        is_fused: bool,
        revision: str,
        as_16_bit: bool = True,
    ) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.mels = FrontEnd(extractor_of(True), is_fused=True) if is_fused else None
        self.revision = revision
        self.as_16_bit = as_16_bit

    @property
    def dimensions(self) -> int:
        """The length of an embedding."""
        return self.model.joint_embed_shape

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors, float32 [texts, dimensions]; padded to 77 tokens, as laion_clap does.

        Raises:
            StudioError: an empty text.
        """
        check_texts(texts)
        rows = [np.zeros((0, self.dimensions), np.float32)]
        for part in parts(texts):
            tokens = self.tokenizer(
                list(part), padding="max_length", truncation=True, max_length=LONGEST_TEXT,
                return_tensors="pt",
            )  # fmt: skip
            with torch.inference_mode():
                rows.append(self.model.get_text_embedding(dict(tokens)).float().cpu().numpy())
        return np.concatenate(rows)

    def embed_audio(self, audio: Sequence[np.ndarray], sample_rate: int) -> np.ndarray:
        """Unit vectors, float32 [clips, dimensions].

        Args:
            audio: clips, each [channels, samples].
            sample_rate: Hz, of all clips.

        Raises:
            StudioError: a clip without samples, or with values that are not numbers.
        """
        clips = [self.windows_of(clip, sample_rate) for clip in audio]
        return embed_in_windows(clips, self._hear, self.dimensions)

    def score(self, audio: np.ndarray, sample_rate: int, text: str) -> float:
        """The cosine between a clip [channels, samples] and a text, in [-1, 1]."""
        return float(self.embed_audio([audio], sample_rate)[0] @ self.embed_text([text])[0])

    def windows_of(self, clip: np.ndarray, sample_rate: int) -> list[np.ndarray]:
        """The clip as windows of exactly 10 s at 48 kHz; a short one is repeated, then padded."""
        sound = heard(clip, sample_rate, self.sample_rate)
        sound = sixteen_bit(sound) if self.as_16_bit else sound
        return fixed_windows(sound, self.window, repeat=True)

    def _hear(self, windows: np.ndarray) -> np.ndarray:
        waveforms = torch.from_numpy(windows)  # [windows, samples]
        with torch.inference_mode():
            heard_mels = None if self.mels is None else self.mels(waveforms)
            told = [
                {"waveform": waveform, "longer": torch.tensor([False])}
                | ({} if heard_mels is None else {"mel_fusion": heard_mels[place]})
                for place, waveform in enumerate(waveforms)
            ]
            return self.model.get_audio_embedding(told).float().cpu().numpy()


def load_laion(
    path: Path,
    *,
    tokenizer: str | Path | None = None,
    device: torch.device | str = "cpu",
    as_16_bit: bool = True,
) -> LaionClap:
    """A checkpoint that LAION published, by laion_clap's own classes.

    Args:
        path: a .pt file with HTSAT-tiny or HTSAT-base, plain or fusion.
        tokenizer: a folder with roberta-base's tokenizer files, if they do not lie beside it.
        device: where it computes.
        as_16_bit: whether clips are cut to 16-bit integers first.

    Raises:
        StudioError: no such file, another layout, no tokenizer, or laion_clap is not installed.
    """
    tensors = read_checkpoint(path)
    sizes = sizes_of(tensors, path)
    words = load_words(tokenizer, path.parent, sizes.words)
    model = build_laion(sizes)
    fill(model, tensors, path)
    return LaionClap(
        model.to(device), words, is_fused=sizes.is_fused, revision=hash_of(path),
        as_16_bit=as_16_bit,
    )  # fmt: skip


def build_laion(sizes: Sizes) -> nn.Module:
    """laion_clap's CLAP of these sizes with random weights, without asking the Hub for any."""
    import transformers

    clap = import_laion_clap().model
    htsat = sys.modules["clap_module.htsat"]

    def text_tower(name: str) -> nn.Module:
        return transformers.RobertaModel(
            transformers.RobertaConfig(
                vocab_size=sizes.words,
                max_position_embeddings=sizes.places,
                hidden_size=sizes.text_width,
                num_hidden_layers=sizes.text_layers,
                num_attention_heads=sizes.text_width // checkpoint.HEAD,
                intermediate_size=sizes.text_inner,
                type_vocab_size=1,
                pad_token_id=PADDING,
                layer_norm_eps=1e-5,
            )
        )

    def audio_tower(config: Any, enable_fusion: bool, fusion_type: str) -> nn.Module:
        return htsat.HTSAT_Swin_Transformer(
            num_classes=sizes.classes, embed_dim=sizes.width, depths=list(sizes.depths),
            num_heads=list(sizes.heads), config=config, enable_fusion=enable_fusion,
            fusion_type=fusion_type,
        )  # fmt: skip

    audio = {
        "model_type": "HTSAT", "model_name": "tiny", "sample_rate": checkpoint.SAMPLE_RATE,
        "audio_length": 1024, "window_size": checkpoint.FFT, "hop_size": checkpoint.HOP,
        "fmin": checkpoint.LOWEST, "fmax": checkpoint.HIGHEST, "mel_bins": checkpoint.MELS,
        "class_num": sizes.classes, "clip_samples": LaionClap.window,
    }  # fmt: skip
    text = {"model_type": "roberta", "context_length": LONGEST_TEXT, "vocab_size": sizes.words,
            "width": sizes.text_width, "heads": 8, "layers": sizes.text_layers}  # fmt: skip
    no_hub = types.SimpleNamespace(from_pretrained=text_tower)
    towers = {"RobertaModel": no_hub, "create_htsat_model": audio_tower}
    spectrogram = sys.modules["torchlibrosa.stft"]
    with IMPORTING, swapped(clap, towers), swapped(spectrogram, {"librosa": filters_stand_in()}):
        return clap.CLAP(
            embed_dim=sizes.width * 2 ** (len(sizes.depths) - 1),
            audio_cfg=audio,
            text_cfg=text,
            enable_fusion=sizes.is_fused,
            fusion_type="aff_2d" if sizes.is_fused else "None",
            joint_embed_shape=sizes.dimensions,
        )


def fill(model: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Give laion_clap's model the tensors of a checkpoint, each of them accounted for."""
    given = {
        name: tensor
        for name, tensor in tensors.items()
        if not name.endswith((".position_ids", ".token_type_ids"))  # counters that older files keep
    }
    try:
        model.load_state_dict(given)
    except RuntimeError as error:
        raise StudioError(
            f"{path} does not fit laion_clap's model: {' '.join(str(error).split())[:300]}"
        ) from error
