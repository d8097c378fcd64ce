"""The README is executed: its commands, paths, verbs, links and Spaces settings are tried."""

import json
import re
import shlex
import subprocess
import sys

import pytest
import yaml

from tests.test_layering import ROOT

README = (ROOT / "README.md").read_text()
HEAD, BODY = README.removeprefix("---\n").split("\n---\n", 1)
INSTALL = "python3.11 -m venv .venv && .venv/bin/python -m pip install -q -r requirements.txt"
PYTHON = ".venv/bin/python"


def named_command(name: str) -> str:
    """The one line in the block under `<!-- command: name -->`."""
    (block,) = re.findall(rf"<!-- command: {name} -->\n```bash\n(.*?)```", BODY, re.DOTALL)
    (line,) = block.splitlines()
    return line


def other_commands(module: str) -> list[list[str]]:
    """The arguments of every README line that runs `python -m module`."""
    lead = f"{PYTHON} -m {module} "
    lines = [line for line in BODY.splitlines() if line.startswith(lead)]
    return [shlex.split(line.removeprefix(lead)) for line in lines]


def test_both_commands_start_from_a_bare_clone():
    """Each is one line that makes the environment, installs and then does one thing."""
    assert named_command("studio") == f"{INSTALL} && {PYTHON} app.py"
    assert named_command("tests") == f"{INSTALL} && {PYTHON} -m pytest"


def test_the_setup_in_contributing_is_the_same_command():
    """A contributor types what the README says."""
    assert named_command("tests") in (ROOT / ".github" / "CONTRIBUTING.md").read_text()


def test_continuous_integration_reads_the_same_command():
    """`.ci/run` takes its test command from here: its own sed finds exactly that line."""
    script = (ROOT / ".ci" / "run").read_text()
    (reader,) = re.findall(r"^command=\$\((.*)\)$", script, re.MULTILINE)
    done = subprocess.run(["bash", "-c", reader], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == named_command("tests")


def test_the_test_command_finds_the_tests():
    """What the second command runs collects this very test."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/test_readme.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert "test_the_test_command_finds_the_tests" in done.stdout, done.stdout + done.stderr


def test_the_worked_example_is_what_the_command_wrote():
    """The table under Compare is the file that `cli compare` wrote, and of the weights in assets."""
    told = ROOT / "assets" / "examples" / "order.md"
    command = next(args for args in other_commands("studio.cli") if args[0] == "compare")
    assert told.read_text() in BODY
    report = json.loads(told.with_suffix(".json").read_text())
    measured = json.loads((ROOT / "assets" / "embedded" / "evaluation.json").read_text())
    sides = [report["request"][side] for side in "ab"]
    assert [side["model"] for side in sides] == command[1:3]
    assert [side["revision"] for side in sides] == [
        measured["revisions"][side["model"]] for side in sides
    ]


def test_every_path_in_the_file_guide_exists():
    """And every folder of code has its line in it."""
    guide = BODY.split("## Files")[1].split("\n## ")[0]
    named = re.findall(r"^\| `([^`]+)` \|", guide, re.MULTILINE)
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).exists()] == []
    for parent in ("pipelines", "studio"):
        for folder in sorted((ROOT / parent).iterdir()):
            if (folder / "__init__.py").is_file():
                assert f"{parent}/{folder.name}/" in named, (
                    f"{folder.name} has no line in the guide"
                )


def test_every_link_and_picture_is_there():
    """Links to files of ours lead somewhere."""
    for target in re.findall(r"\]\(([^)#]+)\)", BODY):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_spaces_settings_fit_what_is_installed():
    """The Space gets the gradio that requirements.txt pins, the Python we test, and a real file."""
    head = yaml.safe_load(HEAD)
    assert head["sdk"] == "gradio"
    assert f"gradio=={head['sdk_version']}\n" in (ROOT / "requirements.txt").read_text()
    assert head["python_version"] == "{}.{}".format(*sys.version_info)
    assert (ROOT / head["app_file"]).is_file()
    assert head["hf_oauth"] is True
    assert head["suggested_hardware"] == "cpu-basic"
    assert head["license"] == "apache-2.0"
    assert len(head["short_description"]) <= 60


@pytest.mark.parametrize("arguments", other_commands("studio.cli"), ids=" ".join)
def test_every_command_line_example_is_understood(arguments):
    """The parser takes each example as it stands."""
    from studio.cli import parser

    assert parser().parse_args(arguments).verb == arguments[0]


def test_every_verb_of_the_command_line_is_shown():
    """No verb is left out of the README, and none is invented."""
    done = subprocess.run(
        [sys.executable, "-m", "studio.cli", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    verbs = set(re.findall(r"^    (\w+) ", done.stdout, re.MULTILINE))
    assert verbs == {arguments[0] for arguments in other_commands("studio.cli")}


def test_the_training_commands_are_understood(capsys):
    """The recipe knows each part that the README names."""
    from pipelines.recipes.world.__main__ import main

    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    known = capsys.readouterr().out
    asked = {word for arguments in other_commands("pipelines.recipes.world") for word in arguments}
    assert {"all", "evaluate", "sheet"} == asked
    assert all(re.search(rf"\b{word}\b", known) for word in asked)


def test_every_setting_that_is_named_exists():
    """Environment names in the README are the ones that the configuration reads."""
    from studio.config import ENVIRONMENT

    named = set(re.findall(r"`(BATON_\w+|DATABASE_URL)`", BODY))
    assert named and named <= set(ENVIRONMENT)


def test_tabs_that_the_readme_describes_are_on_the_page():
    """Each tab of the shell has its section; no verb without a tab has one."""
    from studio.shell import TABS

    sections = set(re.findall(r"^## (.+)$", BODY, re.MULTILINE))
    verbs = {"Generate", "Vote", "Reward", "Finetune", "Compare"}
    assert sections & verbs == {name for name, _ in TABS}


def test_models_of_the_table_are_built_in():
    """The README names the built-in models, and their licence is the repository's."""
    from pipelines.generate.checkpoints import EMBEDDED

    table = BODY.split("| model | trained on |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE) == list(EMBEDDED)
    licence = yaml.safe_load(HEAD)["license"]
    assert {info.licence.lower() for info in EMBEDDED.values()} == {licence}
