"""The files for those who have Docker are held against the compose specification; no engine runs them here."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose
from dockerfile_parse import DockerfileParser

ROOT = Path(__file__).resolve().parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def as_text(document: dict[str, Any]) -> str:
    # Interpolated values stand for strings; a parser of the specification sees them after interpolation.
    return (
        yaml.safe_dump(document)
        .replace("${NEO4J_PASSWORD:?set NEO4J_PASSWORD}", "secret")
        .replace("${SHOP_DIR:-./shop}", "./shop")
    )


def test_compose_file_conforms_to_the_specification():
    compose = PyCompose.from_yaml(as_text(COMPOSE))
    assert set(compose.service_names()) == {"neo4j", "api", "load", "train"}


def test_the_specification_check_can_fail():
    broken = copy.deepcopy(COMPOSE)
    broken["services"]["api"]["depends_on"]["neo4j"]["condition"] = "service_happy"
    with pytest.raises(ValueError, match="service_happy"):
        PyCompose.from_yaml(as_text(broken))


def test_training_reserves_a_gpu_and_starts_on_demand_only():
    train = COMPOSE["services"]["train"]
    assert train["profiles"] == ["train"]
    assert train["deploy"]["resources"]["reservations"]["devices"][0]["capabilities"] == ["gpu"]


def test_ports_are_bound_to_loopback_and_no_password_is_written_down():
    for service in COMPOSE["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert "${NEO4J_PASSWORD:?" in COMPOSE["services"]["neo4j"]["environment"]["NEO4J_AUTH"]


def stages() -> dict[str, list[dict[str, Any]]]:
    structure: list[Any] = DockerfileParser(str(ROOT / "Dockerfile")).structure
    found: dict[str, list[dict[str, Any]]] = {}
    for step in structure:
        if step["instruction"] == "FROM":
            found[step["value"].split(" AS ")[1]] = []
        elif found:
            found[list(found)[-1]].append(step)
    return found


def test_images_run_as_a_user_without_rights():
    for stage in ("api", "train"):
        assert [step["value"] for step in stages()[stage] if step["instruction"] == "USER"] == ["attune"]


def test_the_api_image_is_built_without_torch():
    copies = [step["value"] for step in stages()["api"] if step["instruction"] == "COPY"]
    assert any("--from=serve-deps" in value for value in copies)
    assert not any("train-deps" in value for value in copies)
    lock = (ROOT / "requirements-serve.lock").read_text()
    assert "\ntorch" not in lock
    assert "\nstrawberry-graphql==" in lock


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-serve.lock", "requirements-uv.lock"])
def test_lock_files_carry_hashes_and_no_addresses(name: str):
    text = (ROOT / name).read_text()
    assert "://" not in text
    pinned = [line for line in text.splitlines() if "==" in line and not line.startswith(("#", " "))]
    assert pinned
    assert all(line.endswith("\\") for line in pinned)


def test_the_two_locks_agree():
    def pins(name: str) -> set[str]:
        lines = (ROOT / name).read_text().splitlines()
        return {line.split(" ")[0] for line in lines if "==" in line and not line.startswith(("#", " "))}

    assert pins("requirements-serve.lock") <= pins("requirements.lock")


def test_node_builds_the_page_and_stays_behind() -> None:
    assert [step["value"] for step in stages()["page"] if step["instruction"] == "RUN"][-1].startswith("npm run build")
    for stage in ("api", "train"):
        copies = [step["value"] for step in stages()[stage] if step["instruction"] == "COPY"]
        assert "--from=page /app/api/web/page/ api/web/page/" in copies
