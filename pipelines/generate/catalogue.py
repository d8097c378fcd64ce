"""The published models by name: where each lies on the Hub, which files are needed, on what terms."""

from dataclasses import dataclass

STABILITY = "Stability AI Community Licence"
TANGOFLUX_LICENCE = f"non-commercial research; {STABILITY}; trained on academic-only WavCaps"
TANGO_LICENCE = "CC BY-NC-SA 4.0"
AUDIOLDM2_LICENCE = "CC BY-NC-SA 4.0"


@dataclass(frozen=True, kw_only=True)
class Published:
    """One model on the Hub."""

    name: str  # what `checkpoints.load` takes
    title: str
    repository: str
    revision: str | None  # a commit; None: we know none, so the newest once, and that from then on
    files: tuple[str, ...]  # patterns of the files that are needed
    marker: str  # the file without which nothing was fetched
    kind: str  # of `pipelines.generate.layouts`
    gigabytes: float  # 10^9 bytes to fetch, as the Hub lists them
    licence: str
    note: str

    @property
    def page(self) -> str:
        """Where its card and its licence are to be read."""
        return f"https://huggingface.co/{self.repository}"


FLUX_FILES = ("config.json", "tangoflux.safetensors", "vae.safetensors")
TANGO_FILES = ("main_config.json", "vae_config.json", "stft_config.json", "pytorch_model_main.bin",
               "pytorch_model_vae.bin")  # fmt: skip
# Not what lies beside the index: Stable Audio has all its weights there once more.
FOLDER_FILES = ("model_index.json", "*/*.json", "*/*.safetensors", "*/*.model", "*/*.txt")


def _flux(name: str, title: str, revision: str | None, note: str) -> Published:
    return Published(
        name=name,
        title=title,
        repository=f"declare-lab/{title}",
        revision=revision,
        files=FLUX_FILES,
        marker="tangoflux.safetensors",
        kind="tangoflux.safetensors",
        gigabytes=4.06,
        licence=TANGOFLUX_LICENCE,
        note=note,
    )


def _tango(name: str, title: str, revision: str | None, note: str) -> Published:
    return Published(
        name=name,
        title=title,
        repository=f"declare-lab/{name}",
        revision=revision,
        files=TANGO_FILES,
        marker="pytorch_model_main.bin",
        kind="pytorch_model_main.bin",
        gigabytes=5.27,
        licence=TANGO_LICENCE,
        note=note,
    )


def _folder(
    name: str,
    title: str,
    repository: str,
    revision: str | None,
    size: float,
    licence: str,
    note: str,
    *,
    kind: str,
) -> Published:
    return Published(
        name=name,
        title=title,
        repository=repository,
        revision=revision,
        files=FOLDER_FILES,
        marker="model_index.json",
        kind=kind,
        gigabytes=size,
        licence=licence,
        note=note,
    )


# The commits are those that public code pins: TangoFlux, AudioLDM 2 and Stable Audio Open in many
# places, the Tangos in one that also keeps the hash of each file. Of TangoFlux-base none was found.
CATALOGUE = {
    each.name: each
    for each in (
        _flux(
            "tangoflux",
            "TangoFlux",
            "367005e963cb3a9fb2e03a46104d7de23e34ceea",
            "44.1 kHz stereo, up to 30 s; aligned by CRPO.",
        ),
        _flux("tangoflux-base", "TangoFlux-base", None, "TangoFlux before alignment: the start."),
        _tango(
            "tango2",
            "Tango 2",
            "86d7260a578b8a51218d26f1ba4e8398eaac9761",
            "16 kHz, 10.24 s; aligned by DPO on Audio-Alpaca.",
        ),
        _tango(
            "tango2-full",
            "Tango 2 full",
            "b779f5a77c18e21b0c093bf4700e3ad743f6ef0b",
            "Tango 2 from the larger pre-training.",
        ),
        _tango(
            "tango",
            "Tango",
            "5ed94b368f5a05993d20938dad1d5fbb832c4f7f",
            "16 kHz, 10.24 s; trained on AudioCaps.",
        ),
        _tango(
            "tango-full",
            "Tango full",
            "28c2cd4451d772cf3f2ae4927669ad91e938ebca",
            "Tango from the larger pre-training.",
        ),
        _tango(
            "tango-full-ft-audiocaps",
            "Tango full, AudioCaps",
            "bcdef43a7759667f436cc7444c2f5e7498654c60",
            "The larger pre-training, fine-tuned on AudioCaps: where Tango 2 began.",
        ),
        _folder(
            "audioldm2",
            "AudioLDM 2",
            "cvssp/audioldm2",
            "c8e7e189d324425c05c4c2f81214041ef4107983",
            4.5,
            AUDIOLDM2_LICENCE,
            "16 kHz; generates and compares, cannot be fine-tuned here.",
            kind="AudioLDM2Pipeline",
        ),
        _folder(
            "stable-audio-open",
            "Stable Audio Open",
            "stabilityai/stable-audio-open-1.0",
            "f21265c1e2710b3bd2386596943f0007f55f802e",
            4.9,
            f"{STABILITY} (gated: accept it on its page first)",
            "44.1 kHz stereo, up to 47 s; generates and compares, cannot be fine-tuned here.",
            kind="StableAudioPipeline",
        ),
    )
}
