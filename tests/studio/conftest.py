"""A studio of sines for every test: a store in a folder of its own, nobody at work but the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.config import Config
from studio.services.services import Services
from tests.studio.sine_engines import SineEngines


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """All defaults, but for the folder."""
    return Config(data=tmp_path / "data")


@pytest.fixture
def services(config: Config) -> Iterator[Services]:
    """Open services; their worker does a phase when the test says `work(services)`."""
    opened = Services(config, SineEngines(config))
    yield opened
    opened.close()


@pytest.fixture
def work():
    """Does every waiting phase, one after another."""

    def until_done(services: Services) -> None:
        while services.worker.run_next():
            pass

    return until_done
