"""All settings of the studio in one frozen record, read from the environment once, at the start."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.errors import StudioError

PREFIX = "BATON_"


@dataclass(frozen=True, kw_only=True)
class Config:
    """Where things are kept and how much one request may ask for.

    Each field that `ENVIRONMENT` names can be set there; the rest are fixed in the code.
    """

    data: Path = Path("data")  # clips and, without a database URL, the database
    database: str | None = None  # SQLAlchemy URL; None: SQLite in `data`, on a local disk
    model: str = "embedded"  # what a request that names no model gets
    models: Path | None = None  # a folder of model folders, each of which can be chosen
    dtype: str | None = None  # "float32" or "bfloat16"; None: the model's own rule
    low_memory: bool = False  # only the part at work on the device; sound decoded in tiles
    compile: bool = False  # the transformer by torch.compile
    cuda_graphs: bool = False  # compiled, and replayed as recorded graphs; CUDA alone
    device: str | None = None  # "cpu", "cuda", "mps"; None: the best one here
    port: int | None = None  # None: Gradio's own rule, 7860 or the next free one
    host: str | None = None  # None: Gradio's own rule, this machine only unless told otherwise
    warm: bool = True  # load the model once the page is up, before anyone asks for a sound
    on_space: bool = False  # on Hugging Face Spaces, which is always shared
    shared: bool | None = None  # whether others than the owner reach the page; None: by the host
    public_host: str | None = None  # under which name strangers reach the page
    max_prompts: int = 64  # in one request; longer lists belong to `cli generate`
    max_count: int = 16  # candidates per prompt; best-of-N beyond this gains little
    max_candidates: int = 256  # in one request, all prompts together
    max_pairs: int = 64  # in one comparison on the page; it then takes the worker for minutes
    max_pairs_alone: int = 2000  # in one comparison on the command line, where nobody waits
    max_sounds: int = 600  # in one campaign asked for on the page; an hour's work on two cores
    max_sounds_alone: int = 20_000  # in one campaign on the command line
    max_runs: int = 10  # fine-tunings of one visitor on a shared page; each keeps its sounds
    max_kept: int = 40  # trained models on a shared page, which stand in everybody's lists
    max_steps: int = 200  # rectified flow has long converged by then
    max_guidance: float = 20.0  # beyond, every sound saturates
    max_words: int = 1000  # characters in one prompt; the text encoder reads far fewer
    votes_per_minute: int = 60  # of one voter; half as many at once, for short sounds
    upload: str = "20mb"  # a list of prompts is small; some sounds of other models are not
    backup: str | None = None  # where votes go beyond this disk: dataset:, bucket: or folder:
    backup_votes: int = 20  # a segment is closed once this many votes wait …
    backup_seconds: float = 30.0  # … or the first of them has waited this long
    hub_token: str | None = field(default=None, repr=False)  # for the backup, never shown
    secret: str | None = field(default=None, repr=False)  # makes voters' ids from accounts
    has_sign_in: bool = False  # the Space was given Hugging Face accounts (`hf_oauth: true`)
    llm_url: str | None = None  # an OpenAI-style address; None: the model is on this machine
    llm_key: str | None = field(default=None, repr=False)  # goes to that address alone
    llm_model: str | None = None  # words captions; None: the grammar alone does
    system: str | None = None  # "spaces" where Gradio does not mock the sign-in

    @property
    def is_shared(self) -> bool:
        """Whether each visitor has a history of their own; else the page is its owner's alone.

        A Space is; elsewhere a page that answers other machines is, unless BATON_SHARED says not.
        """
        answers_others = self.host not in OWN_MACHINE
        return self.on_space or (answers_others if self.shared is None else self.shared)

    @property
    def can_sign_in(self) -> bool:
        """Whether a signed-in account can be believed: on a Space that was given accounts."""
        return self.on_space and self.has_sign_in and self.system == "spaces"


OWN_MACHINE = {None, "127.0.0.1", "localhost", "::1"}
ENVIRONMENT = {
    "BATON_DATA": "data",
    "DATABASE_URL": "database",
    "BATON_MODEL": "model",
    "BATON_MODELS": "models",
    "BATON_DEVICE": "device",
    "BATON_DTYPE": "dtype",
    "BATON_LOW_MEMORY": "low_memory",
    "BATON_COMPILE": "compile",
    "BATON_CUDA_GRAPHS": "cuda_graphs",
    "BATON_PORT": "port",
    "GRADIO_SERVER_NAME": "host",  # what Gradio itself reads
    "BATON_HOST": "host",
    "BATON_SHARED": "shared",
    "BATON_WARM": "warm",
    "BATON_MAX_RUNS": "max_runs",
    "BATON_MAX_KEPT": "max_kept",
    "BATON_BACKUP": "backup",
    "BATON_BACKUP_VOTES": "backup_votes",
    "BATON_BACKUP_SECONDS": "backup_seconds",
    "HF_TOKEN": "hub_token",
    "OAUTH_CLIENT_ID": "has_sign_in",
    "OAUTH_CLIENT_SECRET": "secret",
    "BATON_SECRET": "secret",  # after the Space's own, so that it wins
    "BATON_LLM_URL": "llm_url",
    "BATON_LLM_KEY": "llm_key",
    "BATON_LLM_MODEL": "llm_model",
    "SYSTEM": "system",
    "SPACE_ID": "on_space",
    "SPACE_HOST": "public_host",
}
SWITCHED_ON = {"on_space", "has_sign_in"}  # by being there at all
LEAST_SECRET = 16  # characters; a short one can be guessed from the ids that it made


def read_config(environment: Mapping[str, str], **flags: object) -> Config:
    """The settings: defaults, over them the environment, over both the flags that are not None.

    Args:
        environment: usually `os.environ`; keys outside `ENVIRONMENT` are ignored unless they
            begin with `BATON_`, which can only be a mistake.
        flags: fields of `Config`, from the command line.

    Raises:
        StudioError: an unknown key, or a value that cannot be read.
    """
    unknown = sorted(k for k in environment if k.startswith(PREFIX) and k not in ENVIRONMENT)
    if unknown:
        known = ", ".join(k for k in ENVIRONMENT if k.startswith(PREFIX))
        raise StudioError(f"{', '.join(unknown)} is no setting; known are {known}.")
    found = {
        field: read_value(key, environment[key])
        for key, field in ENVIRONMENT.items()
        if environment.get(key)
    }
    return dataclasses.replace(Config(**found), **{k: v for k, v in flags.items() if v is not None})


def read_value(key: str, text: str) -> object:
    """One setting from its text."""
    field = ENVIRONMENT[key]
    if field in {"data", "models"}:
        return Path(text).expanduser()
    if field in SWITCHED_ON:
        return True
    if field in {"backup_votes", "backup_seconds", "max_runs", "max_kept"}:
        return read_count(key, text, float if field == "backup_seconds" else int)
    if field == "secret" and len(text) < LEAST_SECRET:
        raise StudioError(
            f"{key} has {len(text)} characters; give at least {LEAST_SECRET} random ones."
        )
    if field == "dtype" and text not in {"float32", "bfloat16"}:
        raise StudioError(f"{key} is {text!r}; it must be float32 or bfloat16.")
    if field in {"warm", "shared", "low_memory", "compile", "cuda_graphs"}:
        if text.lower() not in {"0", "1", "false", "true", "no", "yes"}:
            raise StudioError(f"{key} is {text!r}; it must be 1 or 0.")
        return text.lower() in {"1", "true", "yes"}
    if field == "port":
        if not text.isdigit() or not 1 <= int(text) <= 65535:
            raise StudioError(f"{key} is {text!r}; it must be a port from 1 to 65535.")
        return int(text)
    return text


def read_count(key: str, text: str, kind: type) -> int | float:
    """A positive number of this kind."""
    try:
        found = kind(text)
    except ValueError:
        found = math.nan
    if not 0 < found < math.inf:
        words = "a whole number from 1" if kind is int else "a number of seconds over 0"
        raise StudioError(f"{key} is {text[:40]!r}; it must be {words}.")
    return found
