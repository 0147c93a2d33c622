"""Every `attune` command in README and docs is one that the command line knows, with options that exist."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from attune.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(r"^```(?:sh|bash|console)?\n(.*?)^```", re.DOTALL | re.MULTILINE)


def commands(page: Path) -> list[str]:
    found: list[str] = []
    for block in FENCE.findall(page.read_text()):
        for line in block.replace("\\\n", " ").splitlines():
            words = re.sub(r"^\$ |^(?:[A-Z_]+=\S+ )+", "", line.strip())
            if re.match(r"(\.venv/bin/)?attune ", words):
                found.append(words.split(" #")[0].strip().removeprefix(".venv/bin/"))
    return found


GROUP: Any = get_command(app)


def test_the_docs_name_every_command():
    named = {shlex.split(line)[1] for page in PAGES for line in commands(page)}
    assert named == set(GROUP.commands)


@pytest.mark.parametrize(
    ("page", "line"), [(page.name, line) for page in PAGES for line in commands(page)], ids=lambda value: value
)
def test_commands_in_the_docs_parse(page: str, line: str):
    words = shlex.split(re.sub(r"[\[\]]|\.\.\.", "", line))[1:]
    command = GROUP
    while hasattr(command, "commands"):
        assert words[0] in command.commands, (page, line)
        command, words = command.commands[words[0]], words[1:]
    command.make_context("attune", words)  # raises on an option or a value that does not exist


def test_every_option_of_serve_is_in_the_table_of_settings():
    page = (ROOT / "docs" / "configuration.md").read_text()
    rows = "".join(line for line in page.splitlines() if line.startswith("| `--"))
    options = [name for option in GROUP.commands["serve"].params for name in option.opts if name != "--help"]
    assert "--host" in options
    assert [name for name in options if f"`{name}`" not in rows] == []
