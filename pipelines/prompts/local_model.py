"""A language model of transformers on this machine: a folder, or an id on the Hub."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines.errors import Cancelled, StudioError
from pipelines.seeds import fork

MOST_TOKENS = 700  # of an answer; five captions need a third of it
LONGEST_REQUEST = 2048  # tokens that are read


class LocalModel:
    """Loads the weights when it is first asked.

    Args:
        name: the path of a folder, or owner/name, or owner/name@revision.
        device: "cpu", "cuda", "mps"; None for the best one here.
    """

    def __init__(self, name: str, device: str | None = None) -> None:
        self.place, self.device = name, device
        self.name = Path(name).name if Path(name).is_dir() else name
        self.loaded: tuple[Any, Any] | None = None

    def answer(
        self, system: str, request: str, *, seed: int, should_stop: Callable[[], bool]
    ) -> str:
        """What the model writes; see `rewording.LanguageModel`."""
        import torch
        from transformers import StoppingCriteria, StoppingCriteriaList

        class Stop(StoppingCriteria):
            def __call__(self, ids: Any, scores: Any, **_: Any) -> Any:
                return torch.full((ids.shape[0],), should_stop(), device=ids.device)

        tokenizer, model = self.load()
        ids = tokens_of(tokenizer, system, request).to(model.device)  # [1, tokens]
        # generate() draws from the global generator: it is set here and given back after.
        devices = [model.device] if model.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices), torch.inference_mode():
            torch.manual_seed(fork(seed, "language model"))
            found = model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=MOST_TOKENS,
                do_sample=True,
                temperature=0.7,
                pad_token_id=tokenizer.pad_token_id or tokenizer.eos_token_id or 0,
                stopping_criteria=StoppingCriteriaList([Stop()]),
            )
        if should_stop():
            raise Cancelled()
        return tokenizer.decode(found[0, ids.shape[1] :], skip_special_tokens=True)

    def load(self) -> tuple[Any, Any]:
        """Tokenizer and model.

        Raises:
            StudioError: it is not there, not in safetensors, or needs code of its own.
        """
        if self.loaded is None:
            self.loaded = self._load()
        return self.loaded

    def _load(self) -> tuple[Any, Any]:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        from pipelines.devices import default_device

        is_here = Path(self.place).is_dir()
        place, _, revision = (self.place, "", "") if is_here else self.place.partition("@")
        told: dict[str, Any] = {"trust_remote_code": False, "local_files_only": is_here}
        told |= {"revision": revision} if revision else {}
        try:
            tokenizer = AutoTokenizer.from_pretrained(place, **told)
            model = AutoModelForCausalLM.from_pretrained(
                place, use_safetensors=True, dtype="auto", **told
            )
        except (OSError, ValueError, KeyError) as error:
            why = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
            raise StudioError(
                f"The language model {self.name} cannot be loaded ({why[:160]}); set BATON_LLM_MODEL "
                "to the path of a folder with a tokenizer and safetensors, or to an id on the Hub."
            ) from error
        device = torch.device(self.device) if self.device else default_device()
        return tokenizer, model.to(device).eval()


def tokens_of(tokenizer: Any, system: str, request: str) -> Any:
    """The request as tokens, [1, tokens], in the model's own form of a talk where it has one."""
    if getattr(tokenizer, "chat_template", None):
        talk = [{"role": "system", "content": system}, {"role": "user", "content": request}]
        words = tokenizer.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)
        found = tokenizer(words, return_tensors="pt", add_special_tokens=False)
    else:
        found = tokenizer(f"{system}\n\n{request}\n\n", return_tensors="pt")
    return found["input_ids"][:, -LONGEST_REQUEST:]
