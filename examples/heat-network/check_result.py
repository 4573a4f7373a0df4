#!/usr/bin/env python3
"""Checks a job's output: every result against `kpis.py`, and that nothing but the results was changed.

    python check_result.py OUTPUT.esdl INPUT.esdl PARAMETERS.json

Exit codes: 0 all is well, 1 something differs.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import esdl
from esdl.esdl_handler import EnergySystemHandler

from kpis import expected_kpis

RELATIVE_TOLERANCE = 1e-6

UNITS = {("MEGA", "WATTHOUR"): "MWh", ("MEGA", "WATT"): "MW", ("NONE", "PERCENT"): "%"}


@dataclass(frozen=True)
class Row:
    """One result: what the output says (nothing, if it is missing) and what it should say."""

    id: str
    unit: str
    found: float | None
    expected: float | None

    @property
    def agrees(self) -> bool:
        """Whether both are there and the same within the tolerance."""
        if self.found is None or self.expected is None:
            return False
        return math.isclose(self.found, self.expected, rel_tol=RELATIVE_TOLERANCE)

    def __str__(self) -> str:
        verdict = "ok" if self.agrees else "DIFFERS"
        return f"{self.id:<44} {number(self.found)} {number(self.expected)} {self.unit:<4} {verdict}"


def number(value: float | None) -> str:
    """A number in a column of the table."""
    return f"{'missing':>16}" if value is None else f"{value:16.6f}"


def found_kpis(output: Path) -> dict[str, tuple[float, str]]:
    """Value and unit of the results on the output's main area, by id."""
    handler = EnergySystemHandler()
    handler.load_file(str(output))
    holder = handler.energy_system.instance[0].area.KPIs
    return {kpi.id: (kpi.value, unit(kpi)) for kpi in (holder.kpi if holder else ()) if isinstance(kpi, esdl.DoubleKPI)}


def unit(kpi: esdl.DoubleKPI) -> str:
    """The unit's symbol, or a question mark."""
    quantity = kpi.quantityAndUnit
    return UNITS.get((quantity.multiplier.name, quantity.unit.name), "?") if quantity else "?"


def expected_unit(kpi_id: str) -> str:
    """The unit that a result has to be in."""
    return {"kpi-peak-heat-supply": "MW", "kpi-pipe-loss-share": "%"}.get(kpi_id, "MWh")


def compare_kpis(output: Path, expected: dict[str, float]) -> list[Row]:
    """A row for each result that is in the output or should be."""
    found = found_kpis(output)
    rows = []
    for kpi_id in expected | found:
        value, symbol = found.get(kpi_id, (None, expected_unit(kpi_id)))
        right = expected.get(kpi_id) if symbol == expected_unit(kpi_id) else None
        rows.append(Row(kpi_id, symbol, value, right))
    return rows


def changes(output: Path, source: Path) -> list[str]:
    """What else differs between output and input, in sentences."""
    after, before = ElementTree.parse(output).getroot(), ElementTree.parse(source).getroot()
    for area in after.findall("instance/area"):
        for results in area.findall("KPIs"):
            area.remove(results)
    found = []
    count_after, count_before = len(list(after.iter("asset"))), len(list(before.iter("asset")))
    if count_after != count_before:
        found.append(f"{count_after} assets instead of {count_before}")
    ids_after, ids_before = (Counter(element.get("id") for element in root.iter()) for root in (after, before))
    found += [f"id {name} is gone" for name in ids_before - ids_after if name]
    found += [f"id {name} is new" for name in ids_after - ids_before if name]
    if not found and canonical(after) != canonical(before):
        found.append("an attribute or the order of elements differs")
    return found


def canonical(root: ElementTree.Element) -> str:
    """The document without what has no meaning: white space and the order of attributes."""
    return ElementTree.canonicalize(ElementTree.tostring(root, encoding="unicode"), strip_text=True)


def main() -> int:
    """Prints what was changed, or the table."""
    parser = argparse.ArgumentParser(description="Check the output of the example job.")
    parser.add_argument("output", type=Path, metavar="OUTPUT.esdl")
    parser.add_argument("input", type=Path, metavar="INPUT.esdl")
    parser.add_argument("parameters", type=Path, metavar="PARAMETERS.json")
    arguments = parser.parse_args()
    parameters = json.loads(arguments.parameters.read_text(encoding="utf-8"))

    changed = changes(arguments.output, arguments.input)
    if changed:
        print("results not compared, because the network was changed:", *changed, sep="\n")
        return 1
    rows = compare_kpis(arguments.output, expected_kpis(arguments.input, parameters))
    print(f"{'result':<44} {'found':>16} {'expected':>16}")
    print(*rows, sep="\n")
    agreeing = sum(row.agrees for row in rows)
    print(f"{agreeing} of {len(rows)} results agree within {RELATIVE_TOLERANCE:g}; nothing but the results was changed")
    return 0 if agreeing == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
