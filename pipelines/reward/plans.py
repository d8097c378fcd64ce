"""How a reward head is trained, as plain settings: the paper's, and ours; no model is loaded for them."""

from dataclasses import dataclass
from typing import Literal

from pipelines.errors import StudioError


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How a head is trained; the defaults are the paper's (papers/baton.txt, 4.1)."""

    epochs: int = 50
    batch_size: int = 64
    learning_rate: float = 0.01
    weight_decay: float = 0.0  # decoupled, on the MLP; 0 is plain Adam
    loss: Literal["bce", "mse"] = "bce"  # of labels; Table 8
    pair_share: float = 0.5  # what pairs count for where there are labels too
    positive: float = 1.0  # what a label 1 counts for beside a 0; below 1 where most are aligned
    stops_early: bool = True  # keep the epoch with the lowest dev loss

    def __post_init__(self) -> None:
        if self.loss not in ("bce", "mse"):
            raise StudioError(f"A reward head knows no loss {self.loss!r}; choose bce or mse.")
        if self.epochs < 1 or self.batch_size < 1 or not self.learning_rate > 0:
            raise StudioError(
                f"{self.epochs} epochs of batches of {self.batch_size} at the rate "
                f"{self.learning_rate} train nothing; give at least 1, 1 and more than 0."
            )
        if not 0 <= self.pair_share <= 1 or not self.positive > 0:
            raise StudioError(
                f"Pairs count for {self.pair_share} and ones for {self.positive}; give a share in "
                "[0, 1] and a number above 0."
            )


PAPER = TrainingConfig()
# For a head of `our_shape` and hundreds of labels: the paper's rate has learned the training groups
# by heart after two epochs; a slower one with strong decay is still getting better after twenty.
OURS = TrainingConfig(learning_rate=3e-4, weight_decay=1.0)
