"""Every module imports, and importing does no work."""

import importlib
import importlib.metadata
import re
import subprocess
import sys

import pytest

from tests.test_layering import ROOT, imports, modules, parsed


@pytest.mark.parametrize("name", sorted(n for n in modules() if not n.endswith("__main__")))
def test_module_imports(name):
    """Importing the module raises nothing."""
    importlib.import_module(name)


def test_importing_everything_writes_nothing_and_says_nothing(tmp_path):
    """A fresh process that imports all modules prints nothing and leaves its folder empty."""
    names = sorted(n for n in modules() if not n.endswith("__main__"))
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {', '.join(names)}"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=tmp_path, capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_every_package_that_we_import_is_required():
    """What our code imports from outside stands in requirements.txt by its own line."""
    listed = requirement_names()
    tops = {name.split(".")[0] for path in modules().values() for name in imports(parsed(path))}
    ours = {"app", "pipelines", "components", "studio"}
    outside = {top for top in tops if top and top not in ours | set(sys.stdlib_module_names)}
    homes = importlib.metadata.packages_distributions()
    unlisted = {
        top: homes.get(top, ["not installed"])
        for top in outside
        if not {canonical(name) for name in homes.get(top, [])} & listed
    }
    assert unlisted == {}


def test_what_is_installed_meets_the_requirements():
    """Each requirement's version rule holds here, and none of them is torchvision or torchaudio."""
    from packaging.requirements import Requirement

    for line in requirement_lines():
        need = Requirement(line)
        found = importlib.metadata.version(need.name)
        assert need.specifier.contains(found.split("+")[0]), f"{line}: found {found}"
    assert not requirement_names() & {"torchvision", "torchaudio", "torchcodec"}


def requirement_lines() -> list[str]:
    """The requirements without comments."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return [text for line in lines if (text := line.split("#")[0].strip())]


def requirement_names() -> set[str]:
    """The required distributions' canonical names."""
    return {canonical(re.match(r"[\w.-]+", line).group()) for line in requirement_lines()}


def canonical(name: str) -> str:
    """A distribution's name as the index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()
