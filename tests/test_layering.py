"""Who may import whom, what files are called and how long they are (CONTRIBUTING, the import rule)."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCREEN = {"gradio", "plotly", "fastapi"}
DATABASE = {"sqlalchemy", "sqlite3", "psycopg", "psycopg2"}
MODELS = {"torch", "diffusers", "transformers", "peft", "accelerate"}
STAGES = {"caption", "compare", "finetune", "generate", "prompts", "reward", "soundworld", "vote"}
CORE = {f"pipelines.{name}" for name in ("records", "audio", "errors")}
TAB_CORE = CORE | {"pipelines.seeds"}  # the range of a seed field
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}
MOST_LINES, MOST_FUNCTION, MOST_RECIPE_FUNCTION = 400, 60, 100


def modules() -> dict[str, Path]:
    """Every module of ours by its dotted name; tests are not among them."""
    files = [ROOT / "app.py"]
    for folder in ("pipelines", "components", "studio"):
        files += sorted((ROOT / folder).rglob("*.py"))
    named = {}
    for path in files:
        parts = path.relative_to(ROOT).with_suffix("").parts
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(), filename=str(path))


def imports(tree: ast.Module) -> set[str]:
    """All that a file imports, anywhere in it, as dotted names; `from a import b` gives a.b too."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def within(name: str, *packages: str) -> bool:
    """Whether a dotted name is one of the packages or lies in one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def stage_of(name: str) -> str | None:
    """The stage that a pipelines module belongs to, or None."""
    parts = name.split(".")
    return parts[1] if parts[0] == "pipelines" and len(parts) > 1 and parts[1] in STAGES else None


def forbidden(module: str, imported: set[str]) -> list[str]:
    """What a module imports and must not, each with the rule that it breaks."""
    broken = [f"{name}: imports are absolute" for name in imported if name.startswith(".")]
    for name in sorted(imported):
        top = name.split(".")[0]
        if within(module, "pipelines"):
            if top in SCREEN | DATABASE | {"studio", "components"}:
                broken.append(f"{name}: pipelines know no screen, no database and no studio")
            other, own = stage_of(name), stage_of(module)
            if other and other != own and not within(module, "pipelines.recipes"):
                # `import pipelines.generate` itself is how the protocol's name is spelled out.
                allowed = own and within("pipelines.generate.backend", name)
                if not allowed and not within(name, "pipelines.generate.backend"):
                    broken.append(f"{name}: only pipelines.recipes joins stages")
            if within(name, "pipelines.recipes") and not within(module, "pipelines.recipes"):
                broken.append(f"{name}: recipes import stages, never the other way")
        if within(module, "components"):
            if top == "studio":
                broken.append(f"{name}: components do not know the studio")
            if within(name, "pipelines") and name != "pipelines" and not within(name, *CORE):
                broken.append(f"{name}: components know records, audio and errors only")
            if top in MODELS | DATABASE:
                broken.append(f"{name}: components know no models and no database")
        if within(module, "studio.tabs"):
            if within(name, "pipelines") and name != "pipelines" and not within(name, *TAB_CORE):
                broken.append(f"{name}: tabs see components and services, never models")
            if top in MODELS | DATABASE or within(name, "studio.store"):
                broken.append(f"{name}: tabs see components and services, never models or SQL")
        if within(name, "studio.tabs") and not within(module, "studio.tabs", "studio.shell"):
            broken.append(f"{name}: only the shell builds tabs")
    remembers = any(within(name, "studio.store", *DATABASE) for name in imported)
    computes = any(stage_of(name) or within(name, "pipelines.clap") for name in imported)
    if within(module, "studio", "app") and not within(module, "studio.services"):
        if remembers and computes:
            broken.append(f"{module}: only studio.services joins science and memory")
    return broken


def test_every_import_keeps_the_rule():
    """No module of ours imports what its layer must not know."""
    broken = {name: forbidden(name, imports(parsed(path))) for name, path in modules().items()}
    assert {name: rules for name, rules in broken.items() if rules} == {}


@pytest.mark.parametrize(
    ("module", "line", "rule"),
    [
        ("pipelines.audio", "import gradio", "no screen"),
        ("pipelines.vote.ratings", "from sqlalchemy import select", "no database"),
        ("pipelines.records", "from studio.config import Config", "no studio"),
        ("pipelines.reward.head", "from pipelines.generate import sampling", "joins stages"),
        ("pipelines.reward.head", "from pipelines.soundworld.events import EVENTS", "joins stages"),
        ("pipelines.soundworld.scenes", "import pipelines.generate.flow", "joins stages"),
        ("pipelines.audio", "from pipelines.generate.flow import velocity", "joins stages"),
        ("pipelines.generate.flow", "import pipelines.recipes.world", "never the other way"),
        ("components.card", "from pipelines.clap import load", "records, audio and errors"),
        ("components.card", "import torch", "no models"),
        ("components.card", "from studio import services", "do not know the studio"),
        ("studio.tabs.generate", "from pipelines import clap", "never models"),
        ("studio.tabs.generate", "from studio.store.candidates import add", "never models or SQL"),
        ("studio.jobs", "from studio.tabs import generate", "only the shell"),
        ("studio.jobs", "import studio.store, pipelines.clap", "joins science and memory"),
        ("pipelines.audio", "from .errors import StudioError", "absolute"),
    ],
)
def test_the_rule_catches_each_wrong_import(module, line, rule):
    """Each clause of the rule is seen to fail on a line that breaks it."""
    assert any(rule in broken for broken in forbidden(module, imports(ast.parse(line))))


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("pipelines.reward.head", "from pipelines.generate.backend import Backend"),
        ("pipelines.finetune.loop", "import pipelines.generate.backend"),
        ("pipelines.recipes.baton", "from pipelines.reward import head"),
        ("pipelines.generate.flow", "from pipelines.generate import sizes"),
        ("components.card", "from pipelines.records import Candidate"),
        ("studio.tabs.generate", "from pipelines.errors import StudioError"),
        ("studio.services.generate.generation", "import studio.store, pipelines.generate.sampling"),
        ("studio.shell", "from studio.tabs import generate"),
    ],
)
def test_the_rule_lets_right_imports_pass(module, line):
    """What the design allows is not caught."""
    assert forbidden(module, imports(ast.parse(line))) == []


def test_every_module_opens_with_one_sentence():
    """The first line of each file is its caption: a sentence that ends in a full stop."""
    for name, path in modules().items():
        opening = (ast.get_docstring(parsed(path)) or "").split("\n\n")[0]
        assert opening and opening.rstrip()[-1] in ".:!?)", f"{name} opens with {opening!r}"


def test_files_are_named_for_what_they_hold_and_stay_short():
    """No file is called utils or the like; none is longer than 400 lines."""
    for path in [*modules().values(), *(ROOT / "tests").rglob("*.py")]:
        assert path.stem not in EMPTY_NAMES, f"{path}: its name says nothing of what it holds"
        lines = path.read_text().count("\n")
        assert lines <= MOST_LINES, (
            f"{path.relative_to(ROOT)} has {lines} lines: more than one idea"
        )


def test_functions_fit_on_a_screen():
    """No function is longer than 60 lines; a training recipe's loop may reach 100."""
    long = {}
    for name, path in modules().items():
        most = MOST_RECIPE_FUNCTION if within(name, "pipelines.recipes") else MOST_FUNCTION
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                if (lines := node.end_lineno - node.lineno + 1) > most:
                    long[f"{name}.{node.name}"] = lines
    assert long == {}


def tracked_texts() -> dict[str, str]:
    """Every text file that git tracks or would, outside of this one; the whole tree without git."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    names = found.stdout.splitlines() if found.returncode == 0 else []
    paths = [ROOT / name for name in names] or [
        p for p in ROOT.rglob("*") if ".venv" not in p.parts
    ]
    texts = {}
    for path in paths:
        if path.is_file() and path != Path(__file__).resolve() and path.stat().st_size < 1_000_000:
            try:
                texts[str(path.relative_to(ROOT))] = path.read_text()
            except UnicodeDecodeError:
                continue
    return texts


MACHINE = re.compile(
    r"""(?<![\w.])/(?:work|farm|root|opt/pypi|opt/wheels|tmp/\w+)(?:/|\b)"""
    r"""|(?<!\w)/home/\w+|pypi\.org|pythonhosted|download\.pytorch\.org|index-url"""
)


def test_nothing_committed_names_a_machine():
    """No path of the machine it was made on, and no registry host, stands in a tracked file."""
    found = {name: MACHINE.findall(text) for name, text in tracked_texts().items()}
    assert {name: hits for name, hits in found.items() if hits} == {}
    for bad in ("cd /work/main", "/tmp/venv/bin/python", "https://pypi.org/simple", "/home/ann/x"):
        assert MACHINE.search(bad), bad
    for good in ("artwork/main", "tmp_path / x", "homework", "out/tmp.wav"):
        assert not MACHINE.search(good), good


def test_only_settings_hide_and_the_top_level_is_as_agreed():
    """The top level holds four folders, app.py, requirements.txt, README.md and house papers."""
    command = ["git", "ls-files"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    if not names:
        pytest.skip("not a git checkout: what is tracked cannot be told")
    tops = {name.split("/")[0] for name in names}
    agreed = {"studio", "pipelines", "components", "assets", "tests"}
    agreed |= {"app.py", "requirements.txt", "README.md", "LICENSE", "CHANGELOG.md"}
    assert {top for top in tops if not top.startswith(".")} <= agreed


def test_opening_the_studio_loads_no_models():
    """The page must not wait for torch, diffusers or transformers; nor the command line."""
    script = (
        "import sys, app, studio.cli, studio.shell; "
        "print(sorted({'torch', 'diffusers', 'transformers', 'peft'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "[]"
