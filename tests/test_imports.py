"""Every module imports, and what it imports is required and installed."""

import importlib
import importlib.metadata
import re
import sys

import pytest

from tests.test_layering import ROOT, imports, modules, parsed


@pytest.mark.parametrize("name", sorted(n for n in modules() if not n.endswith("__main__")))
def test_module_imports(name, capsys):
    """Importing the module raises nothing and says nothing."""
    importlib.import_module(name)
    assert capsys.readouterr().out == ""


BROUGHT = {"spaces"}  # by a ZeroGPU Space itself; asked for there only, as README tells


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
        if top not in BROUGHT and not {canonical(name) for name in homes.get(top, [])} & listed
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
