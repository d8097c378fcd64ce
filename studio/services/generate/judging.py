"""What judges say of candidates: each is asked once, and one who is not there is named, not hidden."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.errors import Cancelled, StudioError
from studio.jobs import Desk
from studio.services.engines import Engines
from studio.services.generate.making import SOUNDS
from studio.store.candidates import StoredCandidate
from studio.store.store import Store

# Names under which judges are remembered: the reward scores what is offered, the evaluation CLAP
# what is compared, and no figure of one is ever set beside a figure of the other.
CLAP, EVALUATION, LISTENER = "clap:reward", "clap:evaluation", "listener:annotator"


@dataclass(frozen=True)
class Judging:
    """Asks judges and remembers their answers."""

    store: Store
    engines: Engines

    def listen(
        self, ids: Sequence[str], judges: Sequence[str], desk: Desk, *, until: float = 1.0
    ) -> bool:
        """Every judge on every candidate; False when another job's sounds go first.

        Args:
            ids: whom to judge.
            judges: by whom.
            desk: hears how far it is.
            until: where the progress bar stands when all is heard.

        Raises:
            Cancelled: a stop was asked for.
        """
        begun = min(SOUNDS, until)
        said = self.store.candidates.judgements(ids)
        for place, candidate in enumerate(self.store.candidates.find(ids)):
            if desk.should_stop():
                raise Cancelled()
            if desk.should_give_way():
                return False
            share = begun + (until - begun) * place / len(ids)
            desk.tell(share, f"listening to {place + 1} of {len(ids)}")
            for judge in judges:
                if judge not in said[candidate.id]:
                    self._ask(judge, candidate, desk)
        return True

    def present(self, judges: Sequence[str], desk: Desk) -> list[str]:
        """Those who are there, each with the revision that speaks now, as in "clap:evaluation@1f".

        A judge that was trained anew is another judge: what the old one said is not mixed in. One
        who is not there is told of.
        """
        found = []
        for judge in judges:
            try:
                found.append(f"{judge}@{self._open(judge).revision}")
            except StudioError as error:
                desk.notice(str(error))
        return found

    def _open(self, judge: str) -> Any:
        kind, name = judge.split("@")[0].split(":")
        return self.engines.clap(name) if kind == "clap" else self.engines.listener()

    def _ask(self, judge: str, candidate: StoredCandidate, desk: Desk) -> None:
        """One judge on one candidate; a judge who is not there is told of once, and missed."""
        ask = self._score if judge.startswith("clap:") else self._hear
        try:
            said = ask(candidate, self._open(judge))
            self.store.candidates.add_judgement(candidate.id, judge, said)
        except StudioError as error:
            desk.notice(str(error))

    def _score(self, candidate: StoredCandidate, clap: Any) -> dict[str, Any]:
        audio, rate = self.store.clips.read(candidate.clip)
        started = time.perf_counter()
        score = float(clap.score(audio, rate, candidate.prompt.text))
        return {"score": score, "revision": clap.revision, "took": time.perf_counter() - started}

    def _hear(self, candidate: StoredCandidate, listener: Any) -> dict[str, Any]:
        audio, rate = self.store.clips.read(candidate.clip)
        started = time.perf_counter()
        hearing = listener.hear(audio, rate)
        verdict, events = hearing.verdict(candidate.prompt.text), hearing.events
        return {
            "events": [[e.label, round(e.onset, 3), round(e.offset, 3)] for e in events],
            "integrity": None if not verdict.asked else bool(verdict.integrity),
            "order": None if verdict.order is None else bool(verdict.order),
            "asked": list(verdict.asked),
            "missing": list(verdict.missing),
            "revision": listener.revision,
            "took": time.perf_counter() - started,
        }
