"""How one preference optimisation goes: the published settings, and those of the embedded model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from pipelines.errors import StudioError
from pipelines.finetune.adapters import AdapterConfig
from pipelines.finetune.levels import HIGH, TOP, USUAL, NoiseLevels
from pipelines.finetune.plans import Steps
from pipelines.finetune.preference_losses import BETA, CLIP

LOSSES = ("crpo", "dpo", "group")


@dataclass(frozen=True, kw_only=True)
class PreferencePlan(Steps):
    """All that decides the weights of one iteration, beside the model and the pairs."""

    loss: Literal["crpo", "dpo", "group"] = "crpo"  # Eq. 3, Eq. 2, or group-relative
    beta: float = BETA  # how near to the reference
    anchor: float = 1.0  # weight of the winners' own loss in Eq. 3
    # Of a step's pairs under Eq. 3, the share whose winner is shown alone and without its prompt, for the
    # side of guidance that knows none; the published code leaves that side as it is.
    unprompted: float = 0.0
    unprompted_levels: NoiseLevels = USUAL  # of those
    ratio_clip: float = CLIP  # of the group-relative loss
    epochs: float = 8  # of the pairs; the paper's, per iteration
    steps: int | None = None  # instead of epochs
    pairs: int = 48  # of a step; the paper's batch
    shares: Mapping[str, float] | None = None  # of a step by the pairs' origin; None: as they are
    learning_rate: float = 1e-5  # the paper's, for all weights
    betas: tuple[float, float] = (0.9, 0.95)  # AdamW's; the paper's
    weight_decay: float = 0.01  # the published code's
    warmup: int = 100  # steps of linear rise; the paper's
    falls: bool = True  # to 0 after the rise
    is_straight: bool = True  # by a line, as the published code; else by a cosine
    clip: float = 1.0  # largest gradient norm; the published code has none
    adapter: AdapterConfig | None = AdapterConfig()  # None: all weights, and a copy as reference
    levels: NoiseLevels = USUAL  # logit-normal, as the published code draws them
    micro_batch: int = 16  # pairs, or groups, at once: memory, and the last bits of the sums
    save_every: int = 50  # steps between checkpoints
    seed: int = 0
    needs_float32: ClassVar[bool] = False  # an adapter can be trained on the model as it samples

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise StudioError(f"The loss is {self.loss!r}; choose one of {', '.join(LOSSES)}.")
        for name in ("anchor", "weight_decay", "warmup"):
            self._check(name, 0 <= getattr(self, name) < float("inf"), "0 or more")
        for name in ("beta", "epochs", "learning_rate", "clip"):
            self._check(name, 0 < getattr(self, name) < float("inf"), "above 0")
        for name in ("pairs", "micro_batch", "save_every"):
            self._check(name, getattr(self, name) >= 1, "1 or more")
        self._check("unprompted", 0 <= self.unprompted < 1, "a share from 0 to below 1")
        self._check("ratio_clip", 0 < self.ratio_clip < 1, "between 0 and 1")
        self._check("betas", all(0 <= each < 1 for each in self.betas), "two numbers in [0, 1)")
        self._check("steps", self.steps is None or self.steps >= 1, "1 or more")

    @property
    def shows_unprompted(self) -> bool:
        """Whether some winners are shown without their prompts: Eq. 3 alone has a loss of theirs."""
        return self.loss == "crpo" and self.unprompted > 0 and self.anchor > 0


PAPER = PreferencePlan(adapter=None)
# As BATON's plan of the embedded model has them (`plans.EMBEDDED`): an adapter learns at a higher rate
# than all weights, and pairs are told apart at the highest noise, where it is decided what sounds when.
# Chosen on dev scenes by the annotator, one training of each setting: trends, not proof. There an
# adapter moves margins by hundredths, for which the published beta is saturated from the start, and
# against which winners' own loss of weight 1 is nothing. With beta 400 both count alike at first; that
# did as well as the winners' loss alone, and both did better than any plan of BATON's tried.
EMBEDDED = PreferencePlan(
    beta=400.0,
    anchor=100.0,
    unprompted=0.25,
    unprompted_levels=HIGH,
    steps=100,
    pairs=24,
    learning_rate=1e-3,
    weight_decay=0.0,
    warmup=10,
    is_straight=False,
    adapter=AdapterConfig(rank=16),
    levels=TOP,
    save_every=25,
)
