"""The sound world by hand: render what a caption promises, hear and score any file."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.audio import read_audio, write_audio
from pipelines.errors import StudioError
from studio.services.engines import Engines


@dataclass(frozen=True)
class World:
    """Use-cases on files of the person's own; nothing of them is remembered."""

    engines: Engines

    def render(self, caption: str, path: Path, seed: int, seconds: float) -> dict[str, Any]:
        """Write what the caption should sound like; its strong labels.

        Raises:
            StudioError: the caption names no event of the world, or the file cannot be written.
        """
        return self._write(self.engines.scene_of_caption(caption, seed, seconds), path)

    def render_scene(self, seed: int, path: Path) -> dict[str, Any]:
        """Write a random scene; its captions and strong labels."""
        return self._write(self.engines.random_scene(seed), path)

    def _write(self, scene: Any, path: Path) -> dict[str, Any]:
        audio, rate = self.engines.render(scene)
        labels = [asdict(event) for event in scene.events]
        told = {"caption": scene.caption, "seed": scene.seed, "seconds": scene.seconds}
        write_audio(path, audio, rate, settings={**told, "events": labels})
        noisy = {} if scene.fault is None else {"noisy_caption": scene.noisy_caption}
        return {"path": str(path), **told, "fault": scene.fault, **noisy, "events": labels}

    def write_prompts(self, folder: Path) -> list[tuple[Path, int]]:
        """Write the prompt sets of the sound world into a folder; each file and its count.

        Raises:
            StudioError: the folder cannot be written.
        """
        try:
            return self.engines.write_prompt_sets(folder)
        except OSError as error:
            raise StudioError(
                f"{folder} cannot be written ({error.strerror}); choose another folder."
            ) from error

    def listen(self, path: Path, prompt: str | None) -> dict[str, Any]:
        """What the simulated listener hears in a file, and its verdicts on a prompt."""
        audio, rate = read_audio(path)
        hearing = self.engines.listener().hear(audio, rate)
        told: dict[str, Any] = {
            "listener": "annotator (simulated)",
            "events": [asdict(event) for event in hearing.events],
        }
        if prompt is None:
            return told
        verdict = hearing.verdict(prompt)
        if not verdict.asked:
            raise StudioError(
                f"{prompt!r} names no event that the listener knows; say it in other words."
            )
        return {
            "prompt": prompt,
            **told,
            "integrity": bool(verdict.integrity),
            "order": None if verdict.order is None else bool(verdict.order),
            "asked": list(verdict.asked),
            "missing": list(verdict.missing),
        }

    def score(
        self,
        path: Path,
        prompt: str,
        *,
        clap: str | None = None,
        engine: str | None = None,
        tokenizer: Path | None = None,
    ) -> dict[str, Any]:
        """CLAP's score of a file against a prompt, -1 to 1, and which CLAP said so.

        Args:
            path: the file.
            prompt: what it should sound like.
            clap: "reward" (None), "evaluation", a folder, LAION's .pt file or a Hub id.
            engine: "transformers" (None) or "laion".
            tokenizer: roberta-base's folder, for a .pt file that it does not lie beside.

        Raises:
            StudioError: an empty prompt, a file that is not audio, or a CLAP that cannot be loaded.
        """
        if not prompt.strip():
            raise StudioError("The prompt is empty; say what the file should sound like.")
        audio, rate = read_audio(path)
        if clap is None and engine is None and tokenizer is None:
            usual = self.engines.clap()
            value = float(usual.score(audio, rate, prompt))
            return {"clap": value, "judge": f"reward {usual.revision}"}
        from pipelines.clap import load

        asked = load(
            clap or "reward",
            engine=engine or "transformers",
            tokenizer=tokenizer,
            device=self.engines.config.device or "cpu",
        )
        value = float(asked.score(audio, rate, prompt))
        return {
            "clap": value,
            "judge": f"{clap or 'reward'} {asked.revision}",
            "engine": asked.engine,
        }
