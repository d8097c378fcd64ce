"""CLAP by transformers' ClapModel: a log-mel front end in torch, the two towers, the tokenizer."""

import copy
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from pipelines.clap.front_end import FrontEnd
from pipelines.clap.windows import (
    check_texts,
    embed_in_windows,
    fixed_windows,
    heard,
    parts,
    sixteen_bit,
)

if TYPE_CHECKING:
    from transformers import ClapFeatureExtractor, ClapModel, PreTrainedTokenizerFast

LONGEST_TEXT = 77  # tokens; what LAION's CLAP was trained with


class Clap(nn.Module):
    """One CLAP: a log-mel front end in torch, the two towers, the tokenizer.

    Training uses `mels`, `tokenize` and `forward`; everything else uses `embed_text`,
    `embed_audio` and `score`, which run in evaluation mode and give numpy arrays.

    Args:
        model: transformers' own, with any weights.
        extractor: names the front end: rate, window, FFT, filters, padding.
        tokenizer: of the model's words.
        revision: hash of the weights.
        as_16_bit: whether clips are cut to 16-bit integers first, as laion-clap does.
    """

    engine = "transformers"

    def __init__(
        self,
        model: "ClapModel",
        extractor: "ClapFeatureExtractor",
        tokenizer: "PreTrainedTokenizerFast",
        *,
        revision: str = "untrained",
        as_16_bit: bool = False,
    ) -> None:
        super().__init__()
        self.model = model
        self.extractor = extractor
        self.tokenizer = tokenizer
        self.revision = revision
        self.as_16_bit = as_16_bit
        self.sample_rate = extractor.sampling_rate  # Hz
        self.is_fused = bool(model.config.audio_config.enable_fusion)
        self.front_end = FrontEnd(extractor, is_fused=self.is_fused)
        self.window = self.front_end.window  # samples in one window

    @property
    def dimensions(self) -> int:
        """The length of an embedding."""
        return self.model.config.projection_dim

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.front_end.hann.device

    def mels(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Log-mel spectrograms in decibels; the numbers of ClapFeatureExtractor, in a batch.

        Differentiable, on the device of the waveforms.

        Args:
            waveforms: float32 [batch, samples] at `sample_rate`, at most `window` samples;
                shorter ones are padded with silence at the end.

        Returns:
            [batch, 1, frames, mels]; four equal channels for a fused model.
        """
        return self.front_end(waveforms)

    def tokenize(self, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Token ids and their mask, both [texts, tokens], padded to the longest."""
        found = self.tokenizer(
            list(texts),
            padding=True,
            truncation=True,
            max_length=LONGEST_TEXT,
            return_tensors="pt",
        )
        return found["input_ids"], found["attention_mask"]

    def forward(
        self, mels: torch.Tensor, input_ids: torch.Tensor, mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Unit vectors of both sides and the logit scale, for a contrastive loss.

        Args:
            mels: [batch, channels, frames, mels], from `mels`.
            input_ids: [batch, tokens], from `tokenize`.
            mask: [batch, tokens], 1 for words and 0 for padding.

        Returns:
            audio embeddings [batch, dimensions], text embeddings [batch, dimensions], and one
            number: the geometric mean of the model's two scales, which so stay equal.
        """
        return self.hear(mels), self.read(input_ids, mask), self._scale()

    @property
    def scale(self) -> float:
        """What it learnt to multiply cosines by, to be logits."""
        return float(self._scale().detach())

    def _scale(self) -> torch.Tensor:
        return ((self.model.logit_scale_a + self.model.logit_scale_t) / 2).exp()

    def hear(self, mels: torch.Tensor) -> torch.Tensor:
        """Audio embeddings [batch, dimensions] of `mels`, unit length, with gradients."""
        # The extractor marks one random clip as longer when none is; here every window fits.
        is_longer = torch.zeros(len(mels), 1, dtype=torch.bool, device=mels.device)
        found = self.model.get_audio_features(input_features=mels, is_longer=is_longer)
        return found.pooler_output

    def read(self, input_ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Text embeddings [batch, dimensions], unit length, with gradients."""
        found = self.model.get_text_features(input_ids=input_ids, attention_mask=mask)
        return found.pooler_output

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors, float32 [texts, dimensions].

        Raises:
            StudioError: an empty text.
        """
        check_texts(texts)
        rows = [
            self._frozen(self.read, *(t.to(self.device) for t in self.tokenize(part)))
            for part in parts(texts)
        ]
        return np.concatenate(rows) if rows else np.zeros((0, self.dimensions), np.float32)

    def embed_audio(self, audio: Sequence[np.ndarray], sample_rate: int) -> np.ndarray:
        """Unit vectors, float32 [clips, dimensions].

        A clip is mixed to mono, resampled by soxr, cut into fixed windows, and the windows'
        vectors are averaged and brought back to unit length. The same clip gives the same
        vector whatever stands beside it.

        Args:
            audio: clips, each [channels, samples].
            sample_rate: Hz, of all clips.

        Raises:
            StudioError: a clip without samples, or with values that are not numbers.
        """
        clips = [self.windows_of(clip, sample_rate) for clip in audio]
        return embed_in_windows(clips, self._hear_windows, self.dimensions)

    def score(self, audio: np.ndarray, sample_rate: int, text: str) -> float:
        """The cosine between a clip [channels, samples] and a text, in [-1, 1]."""
        return float(self.embed_audio([audio], sample_rate)[0] @ self.embed_text([text])[0])

    def windows_of(self, clip: np.ndarray, sample_rate: int) -> list[np.ndarray]:
        """The clip as windows of exactly `window` samples at `sample_rate`, mono."""
        sound = heard(clip, sample_rate, self.sample_rate)
        if self.as_16_bit:
            sound = sixteen_bit(sound)
        return fixed_windows(sound, self.window, repeat="repeat" in self.extractor.padding)

    def save(self, folder: str | Path) -> None:
        """Write weights (float16), configuration, tokenizer and front end into a folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        copy.deepcopy(self.model).half().save_pretrained(folder)
        self.extractor.save_pretrained(folder)
        # The last call's padding and truncation would be saved too, and ClapProcessor would then
        # cut the sound to that many samples.
        self.tokenizer.backend_tokenizer.no_padding()
        self.tokenizer.backend_tokenizer.no_truncation()
        self.tokenizer.save_pretrained(folder)
        self.revision = hash_of(folder / "model.safetensors")

    def _hear_windows(self, windows: np.ndarray) -> np.ndarray:
        waveforms = torch.from_numpy(windows).to(self.device)
        return self._frozen(lambda sounds: self.hear(self.mels(sounds)), waveforms)

    def _frozen(self, function, *inputs: torch.Tensor) -> np.ndarray:
        """What a function of tensors gives in evaluation mode, without gradients, as numpy."""
        was_training = self.training
        self.eval()
        try:
            with torch.inference_mode():
                return function(*inputs).float().cpu().numpy()
        finally:
            self.train(was_training)


def hash_of(path: Path) -> str:
    """What names a file of weights: the first 20 hexadecimal digits of its SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:20]
