"""The Audio Spectrogram Transformer by transformers: KL and IS without any other package."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from pipelines.clap.model import hash_of
from pipelines.clap.windows import fixed_windows
from pipelines.embedders.sound import channels_at, rows_of
from pipelines.errors import StudioError

if TYPE_CHECKING:
    from transformers import ASTFeatureExtractor, ASTForAudioClassification

WEIGHTS = ("model.safetensors", "pytorch_model.bin")
EDGE = 240  # samples beyond the hops that the last of its 25 ms frames needs, at 16 kHz


class Ast:
    """Gong et al. (2021), fine-tuned on AudioSet: one pooled vector and 527 logits a clip.

    A clip longer than the model's frames (10.24 s as published) is cut into fixed windows whose
    vectors, or logits, are averaged. With random weights it agrees with transformers' own call to
    1e-8 for 0.5 to 10.24 s.
    """

    name = "AST"
    row_seconds = None

    def __init__(
        self, model: "ASTForAudioClassification", extractor: "ASTFeatureExtractor", *,
        revision: str, device: str = "cpu",
    ) -> None:  # fmt: skip
        self.model = model.to(device).eval()
        self.extractor = extractor
        self.revision = revision
        self.sample_rate = extractor.sampling_rate
        self.window = extractor.max_length * self.sample_rate // 100 + EDGE
        self.dimensions = model.config.hidden_size
        self.classes = model.config.num_labels
        self.settings = {
            "sample_rate": self.sample_rate, "frames": extractor.max_length,
            "channel": "mean", "layer": "pooled before the classifier's norm",
        }  # fmt: skip

    def embed(self, clips: Sequence[np.ndarray], sample_rate: int) -> np.ndarray:
        """The mean of the two class tokens, float32 [clips, 768]."""
        return self._rows(clips, sample_rate, self._pooled, self.dimensions)

    def logits(self, clips: Sequence[np.ndarray], sample_rate: int) -> np.ndarray:
        """AudioSet's classes before the sigmoid, float32 [clips, 527]."""
        classify = self.model.classifier
        return self._rows(
            clips, sample_rate, lambda sound: classify(self._pooled(sound)), self.classes
        )

    def _rows(self, clips, sample_rate, hear, dimensions) -> np.ndarray:
        sounds = channels_at(clips, sample_rate, self.sample_rate)
        return rows_of(sounds, lambda sound: hear(sound).mean(dim=0, keepdim=True), dimensions)

    def _pooled(self, sound: Tensor) -> Tensor:
        windows = [sound.numpy()]
        if len(sound) > self.window:
            windows = fixed_windows(sound.numpy(), self.window)
        mels = self.extractor(windows, sampling_rate=self.sample_rate, return_tensors="pt")
        values = mels["input_values"].to(self.model.device)
        return self.model.audio_spectrogram_transformer(values).pooler_output


def open_this(key: str, weights: str | Path, device: str) -> Ast:
    """AST from a folder in transformers' layout."""
    from safetensors import SafetensorError
    from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

    folder = Path(weights)
    held = [folder / name for name in WEIGHTS if (folder / name).is_file()]
    if not held:
        raise StudioError(
            f"{folder} holds neither {' nor '.join(WEIGHTS)}; give the folder of a fine-tuned AST."
        )
    try:
        model = AutoModelForAudioClassification.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True
        )
        extractor = AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise StudioError(
            f"The AST in {folder} could not be read ({str(error).splitlines()[0]}); "
            "fetch the whole folder again."
        ) from error
    if model.config.model_type != "audio-spectrogram-transformer":
        raise StudioError(f"{folder} holds a {model.config.model_type}; give a fine-tuned AST.")
    return Ast(model, extractor, revision=hash_of(held[0]), device=device)
