"""What a CRPO run does: iterations, prompts, candidates, ranking, and how each iteration optimises."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pipelines.errors import StudioError
from pipelines.finetune.adapters import AdapterConfig
from pipelines.finetune.joining import MOST_RANK
from pipelines.finetune.preference_plans import EMBEDDED as EMBEDDED_PLAN
from pipelines.finetune.preference_plans import PAPER as PAPER_PLAN
from pipelines.finetune.preference_plans import PreferencePlan

# What may change half-way: how many iterations there are in the end, and what only memory hangs on.
FREE = ("iterations",)


@dataclass(frozen=True, kw_only=True)
class CrpoConfig:
    """All that decides the weights of a run, beside the model, the prompts, the reward and given pairs."""

    iterations: int = 5  # the paper's
    prompts: int = 20_000  # drawn for each iteration; the paper's
    candidates: int = 5  # of each prompt; the paper's N
    margin: float = 0.0  # least gap of rewards between winner and loser; the paper has none
    online: bool = (
        True  # new candidates from the new policy at each iteration; else those of the first
    )
    given_share: float = 0.0  # of each step, pairs that are given: votes, labels, sets of others
    sampling_steps: int | None = None  # of candidates; None: the model's own
    guidance: float | None = None  # of candidates; None: the model's own
    plan: PreferencePlan = field(default=PAPER_PLAN)
    part: int = (
        8  # prompts whose candidates lie in one file: what a kill can cost, what is shared out
    )
    batch: int = 16  # sounds made together
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("iterations", "prompts", "part", "batch"):
            self._check(name, getattr(self, name) >= 1, "1 or more")
        self._check("candidates", 2 <= self.candidates <= 64, "2 to 64")
        self._check("margin", 0 <= self.margin < float("inf"), "0 or more")
        self._check("given_share", 0 <= self.given_share <= 1, "a share from 0 to 1")
        rank = self.plan.adapter.rank if self.plan.adapter else 0
        if rank * self.iterations > MOST_RANK:
            raise StudioError(
                f"{self.iterations} iterations of rank {rank} add up to {rank * self.iterations}; at "
                f"most {MOST_RANK} is possible. Take a rank of {MOST_RANK // self.iterations} or less."
            )
        if self.plan.loss == "group" and self.given_share:
            raise StudioError(
                "The group-relative loss learns from rewards of whole groups, and given pairs have "
                "none; set their share to 0."
            )

    def _check(self, name: str, is_right: bool, allowed: str) -> None:
        if not is_right:
            raise StudioError(f"{name} is {getattr(self, name)}; it must be {allowed}.")

    @property
    def ranks(self) -> bool:
        """Whether candidates are made and ranked at all."""
        return self.given_share < 1

    @property
    def values(self) -> dict[str, Any]:
        """Plain values, for a file."""
        return asdict(self)

    @property
    def identity(self) -> dict[str, Any]:
        """The values that a run cannot change half-way."""
        held = {name: value for name, value in self.values.items() if name not in FREE}
        return {**held, "plan": self.plan.identity}


PAPER = CrpoConfig()
# Settings of the embedded model: candidates at guidance 1, as BATON's are, since the winners' own loss
# teaches what they are drawn from (pipelines.recipes.baton.study). Its study asks for more prompts.
# On dev a second iteration of 200 prompts did better than the first of 625 alone.
EMBEDDED = CrpoConfig(prompts=160, guidance=1.0, plan=EMBEDDED_PLAN)
TINY = CrpoConfig(
    iterations=2,
    prompts=4,
    candidates=2,
    sampling_steps=3,
    guidance=1.0,
    part=2,
    batch=4,
    plan=replace(
        EMBEDDED_PLAN, steps=4, pairs=2, warmup=1, save_every=2, adapter=AdapterConfig(rank=2)
    ),
)
