"""The README is true."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.conftest import REPOSITORY
from twin_runtime.cli.app import app
from twin_runtime.config import load
from twin_runtime.config.adapters import adapters
from twin_runtime.ingest.decode import decode
from twin_runtime.runs.assembly import assemble
from twin_runtime.vvuq.checks import CHECKS

README = (REPOSITORY / "README.md").read_text()
ADAPTERS = (REPOSITORY / "adapters" / "README.md").read_text()


def test_the_configuration_in_it_is_complete(tmp_path: Path) -> None:
    text, _ = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    path = tmp_path / "readme.toml"
    path.write_text(text)
    config = load(path)
    assert assemble(config).identity.twins == ("patient-1",)
    assert adapters(config).sources.keys() == {"mqtt"}


def test_a_file_of_several_types_looks_as_in_it(tmp_path: Path) -> None:
    """What it leaves out is that of the example of a pipe."""
    _, text = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    pipe = (REPOSITORY / "deploy" / "examples" / "pipe.toml").read_text()
    tables = re.findall(r"^\[(?:sensors|inputs)\..*?(?=^\[|\Z)", pipe, re.DOTALL | re.MULTILINE)
    path = tmp_path / "hospital.toml"
    path.write_text("\n".join([text, *(table.replace("[", "[types.supply.", 1) for table in tables)]))
    assert assemble(load(path)).identity.twins == ("patient-1", "patient-2", "hot-water")


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`twin ([a-z-]+)", README))))
def test_every_command_in_it_has_help(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert "Example" in result.stdout or command == "models"


def test_every_target_in_it_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z-]+)", README)) <= targets


def test_every_check_is_explained_once() -> None:
    explained = re.findall(r"^\| `(\w+)` \| ", README.partition("| check |")[2], re.MULTILINE)
    assert explained[: len(CHECKS)] == [check.name for check in CHECKS]


def test_every_link_leads_somewhere() -> None:
    for page in (REPOSITORY / "README.md", *REPOSITORY.glob("*/README.md")):
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_sensors_may_send_what_is_described() -> None:
    table = ADAPTERS.partition("| payload |")[2].partition("\n\n")[0]
    payloads = [cell for cell in re.findall(r"^\| `(.*?)` \|", table, re.MULTILINE) if "[..]" not in cell]
    assert len(payloads) == 3
    assert [len(decode(payload.encode())) for payload in payloads] == [1, 1, 2]
