"""What one fine-tuning run does: the paper's settings, the embedded model's, and their control."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar

from pipelines.errors import StudioError
from pipelines.finetune.adapters import AdapterConfig
from pipelines.finetune.data import Mix
from pipelines.finetune.levels import HIGH, TOP, USUAL, NoiseLevels


class Steps:
    """What every plan can tell of itself; its values are fields of the dataclass that it is."""

    steps: int | None
    epochs: float

    def _check(self, name: str, is_right: bool, allowed: str) -> None:
        if not is_right:
            raise StudioError(f"{name} is {getattr(self, name)}; it must be {allowed}.")

    def steps_in(self, steps_per_epoch: int) -> int:
        """How many steps the run takes."""
        return self.steps or max(1, round(self.epochs * steps_per_epoch))

    @property
    def values(self) -> dict[str, Any]:
        """Plain values, for a file."""
        return asdict(self)

    @property
    def identity(self) -> dict[str, Any]:
        """The values that a run cannot change half-way: all but memory and checkpoints."""
        return {n: v for n, v in self.values.items() if n not in ("micro_batch", "save_every")}


@dataclass(frozen=True, kw_only=True)
class Plan(Steps):
    """All that decides the weights of a run, beside the model and the rows."""

    beta: float = 0.5  # weight of the pretraining loss; the paper's, its Table 13
    epochs: float = 10  # of the data rows; the paper's
    steps: int | None = None  # instead of epochs
    mix: Mix = Mix()  # rows of a step
    learning_rate: float = 1e-5  # the paper's, for all weights of Tango
    weight_decay: float = 0.01  # AdamW's own, as the paper leaves it
    warmup: int = 0  # steps of linear rise
    falls: bool = False  # cosine fall to 0 after the rise
    clip: float = 1.0  # largest gradient norm
    adapter: AdapterConfig | None = AdapterConfig()  # None: all weights
    levels: NoiseLevels = USUAL
    data_levels: NoiseLevels | None = None  # of the data rows, where they are to see others
    micro_batch: int = 32  # rows at once: memory, and the last bits of the sums
    save_every: int = 50  # steps between checkpoints
    seed: int = 0
    betas: ClassVar[tuple[float, float]] = (0.9, 0.999)  # AdamW's own
    is_straight: ClassVar[bool] = False  # it falls by a cosine
    needs_float32: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for name in ("beta", "weight_decay", "warmup"):
            self._check(name, 0 <= getattr(self, name) < float("inf"), "0 or more")
        for name in ("epochs", "learning_rate", "clip"):
            self._check(name, 0 < getattr(self, name) < float("inf"), "above 0")
        for name in ("micro_batch", "save_every"):
            self._check(name, getattr(self, name) >= 1, "1 or more")
        self._check("steps", self.steps is None or self.steps >= 1, "1 or more")


def plan_from(values: dict[str, Any]) -> Plan:
    """The plan of plain values; an unknown key is an error that lists the known ones."""
    parts = {"mix": Mix, "adapter": AdapterConfig}
    parts |= {"levels": NoiseLevels, "data_levels": NoiseLevels}
    made = {}
    for name, value in _known(Plan, values).items():
        if name in parts and isinstance(value, dict):
            value = _known(parts[name], value)
            if name == "adapter" and "layers" in value:
                value["layers"] = tuple(value["layers"])
            value = parts[name](**value)
        made[name] = value
    return Plan(**made)


def _known(kind: type, values: dict[str, Any]) -> dict[str, Any]:
    known = [field.name for field in fields(kind)]
    if unknown := sorted(set(values) - set(known)):
        raise StudioError(
            f"{unknown[0]} is no setting of {kind.__name__}; known are {', '.join(known)}."
        )
    return dict(values)


def control_of(plan: Plan) -> Plan:
    """The base trained on, for equal samples, on its own data: what any further training gives.

    Every gain is quoted against this too.
    """
    return replace(plan, mix=replace(plan.mix, is_control=True))


PAPER = Plan(adapter=None)  # BATON, section 4.1: all weights, batch 6, 10 epochs, 1e-5, beta 0.5
# Chosen on dev scenes by the annotator, a training or two of each setting: trends, not proof. Rank 16
# lost fewer orders than 4; data rows at the highest noise alone teach less of how candidates sound,
# and no less of what sounds when. It needs candidates drawn at guidance 1, the p(x | c) of Eq. 5:
# guided ones teach the guidance, which is then applied twice, and quality falls.
# Tried on the rows of BATON's study, one training each: the paper's 10 epochs (1,145 steps), and more
# temporal candidates, drawn at guidance 2. Order gained nothing clear, and quality was worse in both.
EMBEDDED = Plan(
    beta=0.25,
    steps=400,
    mix=Mix(data=40, pretrain=8),
    adapter=AdapterConfig(rank=16),  # a megabyte in float16
    learning_rate=1e-3,
    weight_decay=0.0,  # would pull B A to nothing, not to the base's training
    warmup=20,
    falls=True,
    levels=HIGH,
    data_levels=TOP,
)
PLANS = {"paper": PAPER, "embedded": EMBEDDED}
