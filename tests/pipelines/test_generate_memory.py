"""Memory by arithmetic: bytes that are held at once, the stated floors, and a DPO step's share."""

import json

import pytest
import torch

from pipelines.generate.catalogue import CATALOGUE
from pipelines.generate.memory import (
    FILE,
    bytes_of,
    in_gb,
    peak_bytes,
    tango_floors,
    tangoflux_floors,
)
from pipelines.generate.sizes import published_config
from pipelines.generate.tango_sizes import TangoConfig


def test_bytes_are_counted_while_they_are_held():
    """Worked by hand: 4000 bytes live on, 8000 come and go twice: 12,000 at most, views are free."""

    def work():
        kept = torch.empty(1000, device="meta")
        for _ in range(2):
            passing = torch.empty(2000, device="meta").view(40, 50)
            del passing
        return kept

    assert peak_bytes(work) == 12_000
    held = torch.empty(500, device="meta")
    assert peak_bytes(lambda: held + 1, [held]) == 4_000


def test_a_table_under_two_names_counts_once():
    """As T5's."""
    table = torch.nn.Embedding(10, 4)
    both = torch.nn.ModuleList([table, table])
    assert bytes_of(both) == 160


@pytest.mark.slow
def test_the_stated_floors_are_computed():
    """What the page and the command line tell is what the published size takes."""
    told = json.loads(FILE.read_text())
    assert set(told) == set(CATALOGUE)
    assert told["tangoflux"] == in_gb(tangoflux_floors(published_config()))
    assert told["tango2"] == in_gb(tango_floors(TangoConfig()))
    for name in ("tangoflux", "tango2"):
        assert told[name]["low memory, bfloat16"] < told[name]["float32"] / 2


@pytest.mark.slow
def test_a_dpo_step_takes_half_of_the_reference_s_memory_and_less_work():
    """At the published size: at most half of the bytes, 2.5 times fewer operations (issue 7)."""
    from tests.bench.dpo_step import our_step, reference_step

    theirs, thrifty = reference_step(2), our_step(2, thrifty=True)
    assert thrifty["peak_gb"] <= 0.5 * theirs["peak_gb"]
    assert thrifty["tflop"] * 2.5 <= theirs["tflop"]
