"""Text-audio embeddings: transformers' ClapModel behind fixed windows, never random crops."""

import copy
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import nn

from pipelines.audio import mono, resample
from pipelines.errors import StudioError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, PreTrainedTokenizerFast

ASSETS = Path(__file__).resolve().parent.parent / "assets"
BUILT_IN = {"reward": ASSETS / "clap-reward", "evaluation": ASSETS / "clap-evaluation"}
LONGEST_TEXT = 77  # tokens; what LAION's CLAP was trained with
POWER_FLOOR = 1e-10  # of mel power, before decibels: -100 dB; the extractor's own
BATCH = 16  # windows or texts that are embedded at once, so that long lists fit in memory

Kind = Literal["reward", "evaluation"]


class Clap(nn.Module):
    """One CLAP: a log-mel front end in torch, the two towers, the tokenizer.

    Training uses `mels`, `tokenize` and `forward`; everything else uses `embed_text`,
    `embed_audio` and `score`, which run in evaluation mode and give numpy arrays.
    """

    def __init__(
        self,
        model: "ClapModel",
        extractor: "ClapFeatureExtractor",
        tokenizer: "PreTrainedTokenizerFast",
        *,
        revision: str = "untrained",
    ) -> None:
        super().__init__()
        self.model = model
        self.extractor = extractor
        self.tokenizer = tokenizer
        self.revision = revision  # hash of the weights
        self.sample_rate = extractor.sampling_rate  # Hz
        self.window = int(extractor.nb_max_samples)  # samples in one window
        self.is_fused = bool(model.config.audio_config.enable_fusion)
        filters = extractor.mel_filters if self.is_fused else extractor.mel_filters_slaney
        self.register_buffer(
            "mel_filters", torch.from_numpy(filters).float(), persistent=False
        )  # [bins, mels]
        self.register_buffer(
            "hann", torch.hann_window(extractor.fft_window_size), persistent=False
        )  # [samples]

    @property
    def dimensions(self) -> int:
        """The length of an embedding."""
        return self.model.config.projection_dim

    def mels(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Log-mel spectrograms in decibels; the numbers of ClapFeatureExtractor, in a batch.

        Differentiable, on the device of the waveforms.

        Args:
            waveforms: float32 [batch, samples] at `sample_rate`, at most `window` samples;
                shorter ones are padded with silence at the end.

        Returns:
            [batch, 1, frames, mels]; four equal channels for a fused model.
        """
        padded = nn.functional.pad(waveforms, (0, self.window - waveforms.shape[-1]))
        spectrum = torch.stft(
            padded,
            self.extractor.fft_window_size,
            self.extractor.hop_length,
            window=self.hann,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )  # [batch, bins, frames]
        power = spectrum.abs().square().transpose(1, 2) @ self.mel_filters
        decibels = 10.0 * power.clamp_min(POWER_FLOOR).log10()
        return decibels[:, None].expand(-1, 4 if self.is_fused else 1, -1, -1)

    def tokenize(self, texts: "Sequence[str]") -> tuple[torch.Tensor, torch.Tensor]:
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
        scale = ((self.model.logit_scale_a + self.model.logit_scale_t) / 2).exp()
        return self.hear(mels), self.read(input_ids, mask), scale

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

    def embed_text(self, texts: "Sequence[str]") -> np.ndarray:
        """Unit vectors, float32 [texts, dimensions].

        Raises:
            StudioError: an empty text.
        """
        for text in texts:
            if not text.strip():
                raise StudioError("A text to embed is empty; write what should be heard.")
        rows = [
            self._frozen(self.read, *(t.to(self.hann.device) for t in self.tokenize(part)))
            for part in _parts(texts)
        ]
        return np.concatenate(rows) if rows else np.zeros((0, self.dimensions), np.float32)

    def embed_audio(self, audio: "Sequence[np.ndarray]", sample_rate: int) -> np.ndarray:
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
        windows, owners = [], []
        for number, clip in enumerate(audio):
            found = self.windows_of(clip, sample_rate)
            windows.extend(found)
            owners.extend([number] * len(found))
        sums = np.zeros((len(audio), self.dimensions), np.float32)
        done = 0
        for part in _parts(windows):
            waveforms = torch.from_numpy(np.stack(part)).to(self.hann.device)
            rows = self._frozen(lambda w: self.hear(self.mels(w)), waveforms)
            np.add.at(sums, owners[done : done + len(part)], rows)
            done += len(part)
        return sums / np.linalg.norm(sums, axis=1, keepdims=True)

    def score(self, audio: np.ndarray, sample_rate: int, text: str) -> float:
        """The cosine between a clip [channels, samples] and a text, in [-1, 1]."""
        return float(self.embed_audio([audio], sample_rate)[0] @ self.embed_text([text])[0])

    def windows_of(self, clip: np.ndarray, sample_rate: int) -> list[np.ndarray]:
        """The clip as windows of exactly `window` samples at `sample_rate`, mono."""
        if clip.ndim != 2 or clip.size == 0 or not np.isfinite(clip).all():
            raise StudioError(
                f"A clip to embed has the shape {list(clip.shape)} or holds values that are not "
                "numbers; give finite [channels, samples] with at least one sample."
            )
        sound = mono(clip)
        if sample_rate != self.sample_rate:
            sound = resample(sound[None], sample_rate, self.sample_rate)[0]
        return fixed_windows(
            sound.astype(np.float32), self.window, repeat="repeat" in self.extractor.padding
        )

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
        self.revision = _hash(folder / "model.safetensors")

    def _frozen(self, function, *inputs: torch.Tensor) -> np.ndarray:
        """What a function of tensors gives in evaluation mode, without gradients, as numpy."""
        was_training = self.training
        self.eval()
        try:
            with torch.inference_mode():
                return function(*inputs).float().cpu().numpy()
        finally:
            self.train(was_training)


def load(name_or_path: str | Path, *, device: torch.device | str = "cpu") -> Clap:
    """A trained CLAP: "reward", "evaluation", or a folder that `Clap.save` or transformers wrote.

    Raises:
        StudioError: no such folder, or one with parts missing.
    """
    from safetensors import SafetensorError
    from transformers import AutoFeatureExtractor, AutoTokenizer, ClapModel

    folder = BUILT_IN.get(str(name_or_path), Path(name_or_path))
    weights = folder / "model.safetensors"
    needed = [weights, folder / "config.json", folder / "preprocessor_config.json"]
    missing = [path.name for path in needed if not path.is_file()]
    if missing:
        raise StudioError(
            f"The CLAP {name_or_path} lacks {', '.join(missing)} in {folder}; give one of "
            f"{', '.join(BUILT_IN)} or the path of a folder in transformers' layout."
        )
    try:
        model = ClapModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
        extractor = AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise StudioError(
            f"The CLAP in {folder} could not be read ({error}); fetch or train it again."
        ) from error
    words = model.config.text_config.vocab_size
    if len(tokenizer) != words:  # transformers gives an empty tokenizer where files are missing
        raise StudioError(
            f"The tokenizer in {folder} knows {len(tokenizer)} words and the model {words}; "
            "put the tokenizer files of this model beside its weights."
        )
    found = Clap(model, extractor, tokenizer, revision=_hash(weights))
    return found.to(device).eval()


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


def fixed_windows(sound: np.ndarray, window: int, *, repeat: bool = False) -> list[np.ndarray]:
    """The fewest windows that cover a sound, evenly placed, the last one ending where it ends.

    Args:
        sound: [samples].
        window: samples in each window.
        repeat: fill a short sound with whole copies of itself before the silence.

    >>> [w.tolist() for w in fixed_windows(np.arange(5.0), 3)]
    [[0.0, 1.0, 2.0], [2.0, 3.0, 4.0]]
    """
    if len(sound) <= window:
        copies = window // len(sound) if repeat else 1
        filled = np.tile(sound, copies)
        return [np.pad(filled, (0, window - len(filled)))]
    count = -(-len(sound) // window)
    starts = np.linspace(0, len(sound) - window, count).round().astype(int)
    return [sound[start : start + window] for start in starts]


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


def _parts(items: "Sequence") -> "list[Sequence]":
    return [items[i : i + BATCH] for i in range(0, len(items), BATCH)]


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:20]
