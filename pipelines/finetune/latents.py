"""Latents and text states, made once and read from one memory-mapped file at every step.

The reference training encodes each clip and each caption again at every step of every epoch, which
is two thirds of its arithmetic (measured by counting operations at the published size).
"""

import dataclasses
import hashlib
import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from pipelines.errors import Cancelled, StudioError

if TYPE_CHECKING:
    from pipelines.generate.backend import Backend, ShouldStop

FORMAT = 1
SILENT_PEAK = 10 ** (-60 / 20)  # a clip that never rises above -60 dBFS holds nothing to learn

Said = tuple[str, float]  # a caption and the seconds that go with it


def clip_hash(audio: np.ndarray, sample_rate: int) -> str:
    """The name of a sound by what it holds: 20 hex digits.

    Args:
        audio: float32 [channels, samples].
        sample_rate: Hz.
    """
    head = f"{sample_rate} {audio.shape}".encode()
    body = np.ascontiguousarray(audio, dtype=np.float32).tobytes()
    return hashlib.sha256(head + body).hexdigest()[:20]


def is_silent(audio: np.ndarray) -> bool:
    """Whether the clip never rises above -60 dBFS."""
    return audio.size == 0 or float(np.abs(audio).max()) < SILENT_PEAK


def encoded(
    backend: "Backend",
    sounds: Iterable[tuple[str, np.ndarray]],
    *,
    batch_size: int = 8,
    held: Container[str] = (),
    should_stop: "ShouldStop | None" = None,
) -> Iterator[tuple[str, Tensor]]:
    """Latents [T, C] of sounds, by key; the mean of the posterior, so that a clip has one.

    Args:
        sounds: key and float32 [channels, samples] at the backend's rate.
        batch_size: sounds encoded together.
        held: keys that need no encoding: the cache that is there already.
        should_stop: asked before each batch; True raises Cancelled.
    """
    batch: list[tuple[str, np.ndarray]] = []

    def of_batch() -> Iterator[tuple[str, Tensor]]:
        if should_stop is not None and should_stop():
            raise Cancelled
        longest = max(sound.shape[1] for _, sound in batch)
        padded = [np.pad(sound, ((0, 0), (0, longest - sound.shape[1]))) for _, sound in batch]
        latents = backend.encode(torch.from_numpy(np.stack(padded))).float().cpu()
        yield from zip([key for key, _ in batch], latents, strict=True)

    for key, sound in sounds:
        if key in held:
            continue
        if is_silent(sound):
            raise StudioError(f"The clip {key} is silent; leave it out of the training.")
        batch.append((key, sound))
        if len(batch) == batch_size:
            yield from of_batch()
            batch.clear()
    if batch:
        yield from of_batch()


@torch.no_grad()
def write_cache(
    path: Path,
    backend: "Backend",
    latents: Iterable[tuple[str, Tensor]],
    captions: Iterable[Said],
    *,
    dtype: torch.dtype = torch.float16,
) -> "Cache":
    """Store latents and the text states of captions as one file, which appears whole or not at all.

    A file that is there already, of the same model, is added to. Its captions are not read again;
    to `encoded` give it as `held`, and its clips are not heard again.

    Args:
        path: of the file, .safetensors.
        latents: key and [T, C], from `encoded` or from sampling.
        captions: with their seconds; each is encoded once.
        dtype: in which both are stored. float16 holds latents of variance 1 to 4 digits.
    """
    held = Cache(path, backend) if path.exists() else None
    rows = {key: held.latents([key])[0].cpu() for key in held.keys} if held else {}
    rows |= {key: value for key, value in latents if key not in rows}
    said = {each: held.fields_of(each) for each in held.captions} if held else {}
    for each in captions:
        if each not in said:
            said[each] = _text_fields(backend, each)
    about = {
        "format": FORMAT,
        "revision": backend.revision,
        "keys": list(rows),
        "captions": list(said),
    }
    tensors = {"latents": torch.stack(list(rows.values()))} if rows else {}
    first = next(iter(said.values()), {})
    about["ragged"] = [n for n in first if len({value[n].shape for value in said.values()}) > 1]
    for name in first:
        values = [fields[name] for fields in said.values()]
        tensors[f"text.{name}"] = torch.nn.utils.rnn.pad_sequence(values, batch_first=True)
    for name, value in tensors.items():
        tensors[name] = value.to(dtype) if value.is_floating_point() else value
        if not torch.isfinite(tensors[name].float()).all():
            raise StudioError(f"{name} holds values that {dtype} cannot; store them as float32.")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    save_file(tensors, part, metadata={"about": json.dumps(about)})
    part.replace(path)
    return Cache(path, backend)


def _text_fields(backend: "Backend", said: Said) -> dict[str, Tensor]:
    """Every field of a caption's text states; encoded alone, so that its company changes nothing."""
    states = backend.encode_text([said[0]], [said[1]])
    return {f.name: getattr(states, f.name)[0].detach().cpu() for f in dataclasses.fields(states)}


@dataclass(frozen=True)
class CacheSize:
    """How much a cache takes."""

    clips: int
    captions: int
    bytes_per_clip: float
    bytes_per_caption: float


class Cache:
    """What `write_cache` wrote, read where it lies: only the rows that a step needs are loaded.

    Args:
        path: of the file.
        backend: whose latents these are; the class of its text states is learnt from it.

    Raises:
        StudioError: the file is cut short, or of another model.
    """

    def __init__(self, path: Path, backend: "Backend") -> None:
        try:
            self._file = safe_open(path, framework="pt")
            about = json.loads((self._file.metadata() or {})["about"])
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise StudioError(
                f"{path.name} is no whole cache; remove it to make it again."
            ) from error
        if (about["format"], about["revision"]) != (FORMAT, backend.revision):
            raise StudioError(
                f"{path.name} holds latents of the model {about['revision']}, not of "
                f"{backend.revision}; remove it to make it again."
            )
        self.keys: list[str] = about["keys"]
        self.captions: list[Said] = [(text, seconds) for text, seconds in about["captions"]]
        self._row_of: Mapping[str, int] = {key: row for row, key in enumerate(self.keys)}
        self._text_of: Mapping[Said, int] = {said: row for row, said in enumerate(self.captions)}
        tensors = {name: self._file.get_tensor(name) for name in self._file.keys()}
        self._latents = tensors.pop("latents", None)
        self._text = {name.removeprefix("text."): value for name, value in tensors.items()}
        self._ragged = frozenset(about["ragged"])
        self.device = getattr(backend, "device", torch.device("cpu"))
        self._kind = _kind_of_states(backend)

    @property
    def latent_shape(self) -> tuple[int, int]:
        """Frames and channels of every clip."""
        if self._latents is None:
            raise StudioError("The cache holds no clips; encode some first.")
        return tuple(self._latents.shape[1:])

    def __contains__(self, key: str) -> bool:
        return key in self._row_of

    def latents(self, keys: Sequence[str]) -> Tensor:
        """float32 [B, T, C], in this order."""
        if missing := [key for key in keys if key not in self._row_of]:
            raise StudioError(
                f"The cache lacks the latents of {len(missing)} clips, such as {missing[0]}; "
                "encode them first."
            )
        rows = torch.tensor([self._row_of[key] for key in keys])
        return self._latents[rows].float().to(self.device)

    def text_states(self, captions: Sequence[Said]) -> Any:
        """What the denoiser is told, B rows cut to the longest of them, as `encode_text` gives it."""
        if missing := [said for said in captions if said not in self._text_of]:
            raise StudioError(
                f"The cache lacks the text states of {len(missing)} captions, such as "
                f"'{missing[0][0]}'; encode them first."
            )
        rows = torch.tensor([self._text_of[said] for said in captions])
        fields = {name: value[rows] for name, value in self._text.items()}
        longest = max(
            (int(v.sum(1).max()) for v in fields.values() if v.dtype == torch.bool), default=None
        )
        for name, value in fields.items():
            value = value[:, :longest] if name in self._ragged else value
            fields[name] = (value.float() if value.is_floating_point() else value).to(self.device)
        return self._kind(**fields)

    def fields_of(self, said: Said) -> dict[str, Tensor]:
        """One caption's text states without padding, by field."""
        states = self.text_states([said])
        return {name: getattr(states, name)[0].cpu() for name in self._text}

    @property
    def size(self) -> CacheSize:
        """Bytes by clip and by caption."""
        text = sum(value.nbytes for value in self._text.values())
        latents = 0 if self._latents is None else self._latents.nbytes
        return CacheSize(
            clips=len(self.keys),
            captions=len(self.captions),
            bytes_per_clip=latents / max(1, len(self.keys)),
            bytes_per_caption=text / max(1, len(self.captions)),
        )


@torch.no_grad()
def _kind_of_states(backend: "Backend") -> type:
    """The class of this backend's text states."""
    return type(backend.encode_text(["a"], [1.0]))
