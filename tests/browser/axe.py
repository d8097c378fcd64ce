"""axe-core, fetched by npm when the accessibility test wants it, and what it finds on a page."""

import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

VERSION = "4.10.3"
FIND = """() => axe.run(document, {resultTypes: ['violations']}).then((found) =>
  found.violations.filter((one) => ['serious', 'critical'].includes(one.impact)).map((one) => ({
    rule: one.id, impact: one.impact, help: one.help,
    nodes: one.nodes.slice(0, 5).map((node) => [node.target.join(' '), node.failureSummary]),
  })))"""


def fetch(folder: Path) -> str:
    """The source of axe-core, from npm; skips the test, with the reason, where npm has none."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm to fetch axe-core with; apt-get install npm")
    command = [npm, "pack", "--silent", f"axe-core@{VERSION}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        pytest.skip(f"npm could not fetch axe-core {VERSION}: {done.stderr[-200:]}")
    with tarfile.open(folder / f"axe-core-{VERSION}.tgz") as packed:
        return packed.extractfile("package/axe.min.js").read().decode()


def serious_findings(page: Any, source: str) -> list[dict[str, Any]]:
    """What axe calls serious or critical on the page as it is now."""
    page.evaluate(source)
    return page.evaluate(FIND)
