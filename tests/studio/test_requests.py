import math

import pytest

from pipelines.errors import StudioError
from studio.config import Config
from studio.services.requests import check_request, from_plain, number, read_prompt_file


def test_a_request_survives_the_job_table():
    """What is written as plain values is read back equal."""
    request = check_request(Config(), "a dog\n\n a  dog \nrain", seed=5, count=2.0, steps=10)
    assert request.prompts == ("a dog", "rain")
    assert from_plain(request.plain()) == request


def test_a_seed_is_drawn_when_none_is_given():
    """Two requests without a seed differ, and stay below 2**31."""
    seeds = {check_request(Config(), "a dog").seed for _ in range(8)}
    assert len(seeds) == 8
    assert all(0 <= seed < 2**31 for seed in seeds)


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"prompts": ""}, "The prompt is empty; describe a sound"),
        ({"prompts": " \n\t\n"}, "The prompt is empty"),
        ({"prompts": "x" * 1001}, "A prompt has 1001 characters .* at most 1000 are read"),
        ({"prompts": [str(i) for i in range(65)]}, "There are 65 prompts; at most 64"),
        ({"count": 17}, "number of candidates is 17; give a number from 1 to 16"),
        ({"count": 2.5}, "number of candidates is 2.5; give a whole number from 1 to 16"),
        ({"count": math.nan}, "number of candidates is nan"),
        ({"count": True}, "number of candidates is True"),
        ({"seconds": math.nan}, "The duration is nan s; give a number from 0.5 to 600 s"),
        ({"seconds": math.inf}, "The duration is inf s"),
        ({"seconds": None}, "The duration is None; give a number"),
        ({"seconds": "10"}, "The duration is 10; give a number"),
        ({"steps": 0}, "number of steps is 0; give a number from 1 to 200"),
        ({"guidance": -1.0}, "The guidance is -1.0; give a number from 0 to 20"),
        ({"seed": 2**31}, "The seed is 2147483648; it must be a whole number from 0 to 2147483647"),
        ({"seed": math.nan}, "The seed is nan"),
        ({"sampler": "magic"}, "The sampler is 'magic'; choose one of euler, heun"),
        ({"prompts": [str(i) for i in range(30)], "count": 10}, "are 300 sounds; at most 256"),
    ],
)
def test_every_absurd_wish_is_refused_in_words(wishes, words):
    """What was got, what is allowed, what to do."""
    with pytest.raises(StudioError, match=words):
        check_request(Config(), **{"prompts": "a dog", **wishes})


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.txt", "a dog\n\nrain, heavy\n", ["a dog", "rain, heavy"]),
        ("b.csv", 'id,caption\n1,a dog\n2,"rain, heavy"\n', ["a dog", "rain, heavy"]),
        ("c.csv", "a dog\nrain\n", ["a dog", "rain"]),
        ("d.CSV", "\ufeffPrompt\na dog\n", ["a dog"]),
    ],
)
def test_prompts_are_read_from_lists(tmp_path, name, content, found):
    """A text file by lines; a CSV by its named column, or its first."""
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert read_prompt_file(path) == found


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.exe", b"x", "a.exe is no list of prompts; give a .txt or .csv"),
        ("a.txt", b"\xff\xfe\x00", "a.txt is not UTF-8 text"),
        ("a.txt", b"\n \n", "a.txt holds no prompts"),
        ("a.csv", b'a\n"b\n', "not a CSV that can be read"),
    ],
)
def test_a_file_that_is_no_list_is_refused(tmp_path, name, content, words):
    """The sentence names the file and what to do."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(StudioError, match=words):
        read_prompt_file(path)


def test_bounds_are_told_as_people_write_them():
    """No 2.14748e+09 and no 1e-05: the number that is named can be typed in."""
    with pytest.raises(StudioError, match="from 0.00001 to 1000"):
        number("The learning rate", 0, 1e-5, 1000)
    with pytest.raises(StudioError, match="The seed is -1; give a number from 0 to 2147483647"):
        number("The seed", -1, 0, 2**31 - 1)
    with pytest.raises(StudioError, match="from 0.5 to 30 s"):
        number("The duration", 0.1, 0.5, 30, " s")
