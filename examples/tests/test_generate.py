"""The generated network is large enough, the same every time, and properly connected."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import EXAMPLES, HEAT_NETWORK, NETWORK_ESDL

import generate

TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
CLIENT_SIDE_APPLY_BYTES = 256 * 1024


@pytest.fixture(scope="module")
def root() -> ElementTree.Element:
    return ElementTree.parse(NETWORK_ESDL).getroot()


def test_committed_file_is_what_the_generator_makes() -> None:
    assert generate.network_esdl() == NETWORK_ESDL.read_text(encoding="utf-8"), "run examples/heat-network/generate.py"


def test_has_the_assets_of_a_district(root: ElementTree.Element) -> None:
    kinds = Counter(asset.get(TYPE, "").removeprefix("esdl:") for asset in root.iter("asset"))
    assert sum(kinds.values()) >= 100
    assert kinds["HeatingDemand"] == 48
    assert {"GeothermalSource", "GasHeater", "HeatStorage", "Pump", "Pipe", "Joint"} <= set(kinds)
    assert not list(root.iter("KPIs"))


def test_ids_are_unique(root: ElementTree.Element) -> None:
    ids = Counter(element.get("id") for element in root.iter() if element.get("id"))
    assert max(ids.values()) == 1


def test_every_port_leads_both_ways_to_a_port_of_its_carrier(root: ElementTree.Element) -> None:
    ports = {port.get("id"): port for port in root.iter("port")}
    for name, port in ports.items():
        neighbours = port.get("connectedTo", "").split()
        assert neighbours, f"{name} is not connected"
        for neighbour in neighbours:
            other = ports[neighbour]
            assert name in other.get("connectedTo", "").split()
            assert other.get("carrier") == port.get("carrier")
            assert {port.get(TYPE), other.get(TYPE)} == {"esdl:InPort", "esdl:OutPort"}


def test_fits_in_a_config_map_that_is_applied_client_side() -> None:
    annotation = json.dumps({"data": {"input.esdl": NETWORK_ESDL.read_text()}})
    assert len(annotation) < CLIENT_SIDE_APPLY_BYTES


def test_the_image_has_the_packages_that_are_tested() -> None:
    tested = pins(EXAMPLES / "requirements-dev.txt")
    packed = pins(HEAT_NETWORK / "workload" / "requirements.txt")
    assert packed.items() <= tested.items()


def pins(path: Path) -> dict[str, str]:
    """Version by package name."""
    found = re.findall(r"^([\w-]+)==([\w.]+)", path.read_text(), flags=re.MULTILINE)
    return {name.lower(): version for name, version in found}
