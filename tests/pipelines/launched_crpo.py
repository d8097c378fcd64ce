"""What each process of a launched run does in test_recipes_crpo_launched: `launched_crpo.py ROOT`."""

import sys
from pathlib import Path

import torch

from pipelines.crew import crew_at_hand
from pipelines.recipes.crpo.loop import improve
from tests.pipelines.test_recipes_crpo import BANK, CONFIG, Loudness, tiny_backend

if __name__ == "__main__":
    torch.set_num_threads(1)
    crew = crew_at_hand()
    scorer = Loudness()
    improve(tiny_backend(), BANK, scorer, CONFIG, Path(sys.argv[1]), heard_on=BANK[:1], crew=crew)
    (Path(sys.argv[1]) / f"heard-{crew.rank}-of-{crew.size}").write_text(str(scorer.heard))
