"""The models that are in memory: each loaded when first needed, once, by whoever needs it first.

Importing this loads no torch; every heavy import is inside the method that needs it.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.errors import StudioError
from pipelines.records import Candidate, Prompt, Settings
from pipelines.seeds import check_seed
from studio.config import Config
from studio.services import zero_gpu
from studio.services.adapters import Adapters
from studio.services.licences import Licences
from studio.services.model_folders import ModelFolders

if TYPE_CHECKING:
    from pipelines.clap import Clap
    from pipelines.generate.backend import Backend
    from pipelines.generate.checkpoints import ModelInfo
    from pipelines.soundworld.listeners import Listener
    from pipelines.soundworld.scenes import Scene


MOST_MODELS = 3  # generators in memory: the two that are compared, and the usual one


@dataclass(frozen=True, kw_only=True)
class State:
    """How far a model is: cold, loading, ready, or failed with a sentence."""

    name: str
    is_ready: bool = False
    is_loading: bool = False
    problem: str | None = None


class Engines:
    """Generators, CLAP and listeners, by name; each is loaded behind a lock of its own.

    Args:
        config: the device, and which model is the usual one.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.adapters = Adapters(config.data)
        self.licences = Licences(config.data)
        self.folders = ModelFolders(config.data)
        self.is_lent = zero_gpu.is_zero_gpu()
        self.loaded: dict[tuple[str, str], Any] = {}
        self.states: dict[str, State] = {}
        self.lock = threading.Lock()  # guards the three dictionaries, never held while loading
        self.turns: dict[tuple[str, str], threading.Lock] = {}

    def models(self) -> "list[ModelInfo]":
        """The checkpoints that are here, the folders that were taken, the published ones whose
        licence was accepted, and the adapters that are kept, without loading any."""
        from pipelines.generate import checkpoints

        here = checkpoints.available(self.config.models)
        known = {model.name for model in here}
        folders = [model for model in self.folders.models() if model.name not in known]
        return [*here, *folders, *self.licences.models(), *self.adapters.models()]

    def chosen_as(self, made_by: str) -> str:
        """By which name a model is chosen that a sound names: a folder goes by its path.

        Args:
            made_by: the model of a sound's settings.
        """
        from pipelines.generate.checkpoints import recorded_as

        names = [self.config.model, *(model.name for model in self.models())]
        return next((name for name in names if recorded_as(name) == made_by), made_by)

    def check_known(self, name: str) -> None:
        """Nothing, or a StudioError that lists what can be chosen: trained models that are kept, too."""
        from pipelines.generate.catalogue import CATALOGUE
        from pipelines.generate.checkpoints import no_such_model

        known = [model.name for model in self.models()]
        if name not in (*known, *CATALOGUE) and not Path(name).is_dir():
            raise no_such_model(name, known)

    def defaults(self, name: str) -> tuple[int, float]:
        """The steps and the guidance that a model is at its best with, without loading it."""
        loaded = self.loaded_backend(name)
        if loaded is not None:
            return loaded.default_steps, loaded.default_guidance
        if self.adapters.folder_of(name) is not None:
            return self.defaults(self.adapters.base_of(name))
        from pipelines.generate.catalogue import CATALOGUE
        from pipelines.generate.layouts import defaults_of

        path = next((Path(m.path) for m in self.models() if m.name == name), Path(name))
        return defaults_of(path, CATALOGUE[name].kind if name in CATALOGUE else None)

    def backend(self, name: str) -> "Backend":
        """The generator of this name, loaded if need be.

        Raises:
            StudioError: its checkpoint is missing or broken.
        """
        return self._once("model", name, self._load_backend)

    def loaded_backend(self, name: str) -> "Backend | None":
        """The generator of this name if it is in memory."""
        return self.loaded.get(("model", name))

    def title(self, name: str) -> str:
        """How people call the model of this name, or of this folder."""
        titles = {model.name: model.title for model in self.models()}
        return titles.get(name, Path(name).name)

    def clap(self, name: str = "reward") -> "Clap":
        """The CLAP that scores what is offered, or "evaluation", that scores what is compared."""
        return self._once("clap", name, self._load_clap)

    def listener(self) -> "Listener":
        """The simulated listener that labels what it hears."""
        return self._once("listener", "annotator", self._load_listener)

    def make(
        self,
        backend: "Backend",
        wanted: Sequence[tuple[Prompt, Settings]],
        *,
        on_progress: Callable[[float, str], None],
        should_stop: Callable[[], bool],
    ) -> Iterator[Candidate]:
        """One batch of candidates, in the order asked for."""
        from pipelines.generate.sampling import run

        if self.is_lent:  # neither progress nor a stop reaches the process that has the device
            yield from zero_gpu.sample(backend, list(wanted))
            return
        yield from run(backend, wanted, len(wanted), on_progress, should_stop)

    def id_of(self, backend: "Backend", prompt: Prompt, settings: Settings) -> str:
        """The id of the candidate that this request becomes."""
        from pipelines.generate.sampling import unmade

        return unmade(backend, prompt, settings).id

    def nearest_known(self, word: str) -> str | None:
        """The word of the sound world that is nearest to this one, if any is near."""
        from pipelines.soundworld import vocabulary

        return vocabulary.nearest_known(word)

    def scene_of_caption(self, caption: str, seed: int, seconds: float) -> "Scene":
        """A scene that does what the caption says."""
        from pipelines.soundworld import scenes

        if not 0.5 <= seconds <= scenes.MAX_SECONDS:
            raise StudioError(f"The duration is {seconds} s; give 0.5 to {scenes.MAX_SECONDS:g} s.")
        return scenes.scene_of_caption(caption, check_seed(seed), seconds=seconds)

    def random_scene(self, seed: int) -> "Scene":
        """A random scene with the captions of the noisy corpus."""
        from pipelines.soundworld import scenes

        return scenes.draw_scene(check_seed(seed))

    def render(self, scene: "Scene") -> tuple[np.ndarray, int]:
        """The sound of a scene, float32 [1, samples], and its rate in Hz."""
        from pipelines.soundworld import scenes, synthesis

        return scenes.render_scene(scene), synthesis.SAMPLE_RATE

    def event_captions(self) -> list[str]:
        """A text for each event of the sound world, in the order of its labels."""
        from pipelines.soundworld import captions, events

        return [captions.write_caption([label], [], [0]) for label in events.LABELS]

    def write_prompt_sets(self, folder: Path) -> list[tuple[Path, int]]:
        """Write the prompt sets of the sound world; each file and its count."""
        from pipelines.soundworld import prompt_sets

        paths = prompt_sets.write_sets(folder)
        counts = [sum(one.counts.values()) for one in prompt_sets.SETS]
        return list(zip(paths, counts, strict=True))

    def licence(self, name: str) -> str:
        """The terms of a model, or of the base that it changes, without loading it."""
        from pipelines.generate.layouts import layout_of

        if self.adapters.folder_of(name) is not None:
            return self.licence(self.adapters.base_of(name))
        told = {each.name: each.licence for each in self.models()}
        found = None if name in told else layout_of(Path(name))
        return told.get(name, found.licence if found else "")

    def convert(self, name: str, target: Path) -> tuple[Path, str]:
        """A published model written as a diffusers folder, and its licence.

        Raises:
            StudioError: its licence was not accepted, or what `conversion.convert` refuses.
        """
        from pipelines.generate import checkpoints, conversion, layouts

        self.licences.check(name)
        found = layouts.layout_of(checkpoints.folders_of(name)[0])
        return conversion.convert(name, target), found.licence if found else ""

    def warm(self) -> None:
        """Load the usual model and make one short sound, so that the first request is quick."""
        try:
            backend = self.backend(self.config.model)
            if self.is_lent:
                return
            prompt = Prompt(text="warm up", seconds=min(1.0, backend.max_seconds))
            backend.sample([prompt], [Settings(model=backend.name, steps=1)])
            self.clap()
            self.listener()
        except StudioError:
            return  # whoever asks for it hears the sentence; `state` has it meanwhile

    def state(self, name: str) -> State:
        """How far this model is."""
        return self.states.get(name, State(name=name))

    def free(self) -> None:
        """Let go of every model, so that a training has the memory."""
        with self.lock:
            self.loaded.clear()
            self.states.clear()

    def _once(self, kind: str, name: str, load: Callable[[str], Any]) -> Any:
        with self.lock:
            turn = self.turns.setdefault((kind, name), threading.Lock())
        with turn:
            if (kind, name) not in self.loaded:
                self.states[name] = State(name=name, is_loading=True)
                try:
                    self.loaded[kind, name] = load(name)
                except StudioError as error:
                    self.states[name] = State(name=name, problem=str(error))
                    raise
                self.states[name] = State(name=name, is_ready=True)
            found = self.loaded[kind, name]
        self._let_go(kind, name)
        return found

    def _let_go(self, kind: str, name: str) -> None:
        """Of generators only the latest asked for stay in memory; who is at work keeps its own."""
        with self.lock:
            if (kind, name) in self.loaded:
                self.loaded[kind, name] = self.loaded.pop((kind, name))  # the latest is the last
            models = [key for key in self.loaded if key[0] == "model"]
            for key in models[: max(0, len(models) - MOST_MODELS)]:
                del self.loaded[key]
                self.states.pop(key[1], None)

    def _load_backend(self, name: str) -> "Backend":
        from pipelines.generate import checkpoints

        folder = self.adapters.folder_of(name)
        if folder is None:
            self.check_known(name)
            self.licences.check(name)
            return self._held(checkpoints.load(name, device=self.config.device, **self._how()))
        from pipelines.recipes.adapted import adapted

        base = self.adapters.base_of(name)
        return self._held(adapted(self.backend(base), base, folder, name=name))

    def _held(self, backend: "Backend") -> "Backend":
        if self.is_lent:
            zero_gpu.HELD[backend.name] = backend
        return backend

    def hold(self) -> None:
        """On ZeroGPU: load the usual model before the page opens, and name what needs the device."""
        if self.is_lent:
            zero_gpu.lent()
            self.backend(self.config.model)

    def _how(self) -> dict[str, Any]:
        """In which precision models run here, and in which way."""
        import torch

        config = self.config
        return {
            "dtype": getattr(torch, config.dtype) if config.dtype else self._usual_dtype(),
            "low_memory": config.low_memory,
            "compiled": config.compile,
            "cuda_graphs": config.cuda_graphs,
        }

    def _usual_dtype(self) -> Any:
        """None for the model's own rule, which measures; there is nothing to measure on ZeroGPU."""
        import torch

        return torch.float32 if self.is_lent else None

    def _load_clap(self, name: str) -> "Clap":
        from pipelines import clap

        return clap.load(name)

    def _load_listener(self, name: str) -> "Listener":
        from pipelines.soundworld import listeners

        return listeners.load(name)
