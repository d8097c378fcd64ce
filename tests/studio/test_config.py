from pathlib import Path

import pytest

from pipelines.errors import StudioError
from studio.config import Config, read_config


def test_flags_go_over_environment_goes_over_defaults():
    """Each layer wins over the one below; a flag that was not given changes nothing."""
    environment = {"BATON_DATA": "/elsewhere", "BATON_PORT": "7000", "PATH": "/bin"}
    assert read_config({}) == Config()
    assert read_config(environment) == Config(data=Path("/elsewhere"), port=7000)
    assert read_config(environment, port=8000, data=None).port == 8000


def test_an_unknown_key_is_named_with_the_known_ones():
    """A slip in a name is an error that lists what there is."""
    with pytest.raises(StudioError, match="BATON_DATTA is no setting; known are BATON_DATA, "):
        read_config({"BATON_DATTA": "x"})


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("BATON_PORT", "80000", "must be a port from 1 to 65535"),
        ("BATON_PORT", "http", "must be a port from 1 to 65535"),
        ("BATON_WARM", "perhaps", "must be 1 or 0"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused(key, text, words):
    """The sentence tells what is allowed."""
    with pytest.raises(StudioError, match=words):
        read_config({key: text})


def test_warm_can_be_switched_both_ways():
    """A switch that cannot be turned off is no switch."""
    assert read_config({"BATON_WARM": "0"}).warm is False
    assert read_config({"BATON_WARM": "1"}).warm is True


@pytest.mark.parametrize(
    ("environment", "is_shared"),
    [
        ({}, False),
        ({"BATON_HOST": "127.0.0.1"}, False),
        ({"BATON_HOST": "0.0.0.0"}, True),
        ({"GRADIO_SERVER_NAME": "0.0.0.0"}, True),
        ({"BATON_HOST": "0.0.0.0", "BATON_SHARED": "0"}, False),
        ({"BATON_SHARED": "1"}, True),
        ({"SPACE_ID": "ann/arena", "BATON_SHARED": "0"}, True),
    ],
)
def test_a_page_that_others_reach_is_shared(environment, is_shared):
    """There each visitor owns what they made, and nobody owns what others made."""
    assert read_config(environment).is_shared is is_shared
