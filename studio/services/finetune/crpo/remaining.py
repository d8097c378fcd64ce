"""How long a CRPO run still takes: what is left of each phase, times the pace that this run keeps in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from studio.services.finetune.crpo.settings import candidates_in

RANKING, TRAINING, LISTENING = "making and ranking candidates", "training", "listening"
PACES = "paces.json"  # in the run's folder, for when it is gone on with, and for later estimates
KEPT = {
    RANKING: 30,
    TRAINING: 100,
    LISTENING: 1,
}  # measurements that count; older ones are forgotten


@dataclass
class Paces:
    """Seconds of a candidate, of a step and of a moment of listening.

    Args:
        probed: of each phase as a probe told it before the run; empty where there was none.
        before: of each phase as the run had measured it when it was last stopped.
    """

    probed: Mapping[str, float]
    before: Mapping[str, float]
    measured: dict[str, list[tuple[float, int]]] = field(default_factory=dict)

    def took(self, phase: str, seconds: float, count: int = 1) -> None:
        """So many of a phase were just done in this time."""
        held = [*self.measured.get(phase, []), (seconds, count)]
        self.measured[phase] = held[-KEPT[phase] :]

    @property
    def own(self) -> dict[str, float]:
        """Of the phases that the run has measured itself: means, since other work comes in bursts."""
        now = {
            phase: sum(seconds for seconds, _ in held) / sum(count for _, count in held)
            for phase, held in self.measured.items()
        }
        return {**self.before, **now}

    def of(self, phase: str) -> float | None:
        """The run's own pace; before it has one, the probe's, as much slower as the others turned out.

        None where neither is known.
        """
        own = self.own
        if phase in own:
            return own[phase]
        both = [name for name in own if self.probed.get(name)]
        slower = sum(own[name] / self.probed[name] for name in both) / len(both) if both else 1.0
        probed = self.probed.get(phase)
        return None if probed is None else slower * probed


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a run is."""

    iteration: int  # 0: only its base is heard
    phase: str
    done: int = 1  # of the phase
    of: int = 1


def left_of(
    settings: Mapping[str, Any], at: Standing, *, steps: int, listens: bool
) -> dict[str, int]:
    """How many candidates, steps and moments of listening are to come.

    Args:
        settings: of the run.
        at: where it is.
        steps: of one iteration.
        listens: whether there are prompts to listen by.
    """
    rest = settings["iterations"] - at.iteration
    ranked = sum(ranks_in(settings, at.iteration + n) for n in range(1, rest + 1))
    here = at.of - at.done
    trained = {RANKING: steps, TRAINING: here, LISTENING: 0}[at.phase]
    return {
        RANKING: ranked * settings["prompts"] * settings["candidates"]
        + (here if at.phase == RANKING else 0),
        TRAINING: rest * steps + trained,
        LISTENING: (rest + (at.phase != LISTENING)) if listens else 0,
    }


def seconds_left(left: Mapping[str, int], paces: Paces) -> float | None:
    """All of it in seconds; None where the pace of something that is left is not known."""
    found = 0.0
    for phase, count in left.items():
        pace = paces.of(phase)
        if count and pace is None:
            return None
        found += count * (pace or 0.0)
    return round(found, 1)


def ranks_in(settings: Mapping[str, Any], iteration: int) -> bool:
    """Whether an iteration makes candidates."""
    return bool(candidates_in(settings)) and (settings["online"] or iteration == 1)
