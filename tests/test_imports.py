"""Every module imports, and importing does no work."""

import importlib
import subprocess
import sys

import pytest
from test_layering import ROOT, modules


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
