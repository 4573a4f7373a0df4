#!/usr/bin/env python3
"""Computes the results of the heat network's year a second time, in another way, to check the job's program.

It shares no line with `workload/`: plain XML instead of pyESDL, sums over sectors instead of over buildings, closed
formulas where there are any (the ground's seasonal swing cancels out over a year). Standard library only.

    python kpis.py INPUT.esdl PARAMETERS.json
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import dataclass
from math import cos, fsum, log, pi, sin
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

HOURS = range(8760)
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"

HEATING_LIMIT_CELSIUS = {"residential": 15.5, "offices": 14.0, "education": 14.5, "healthcare": 17.0, "retail": 14.0}
HOT_WATER_SHARE = {"residential": 0.06, "offices": 0.01, "education": 0.015, "healthcare": 0.1, "retail": 0.005}

THERMOSTAT_BY_HOUR = {
    "residential": [0.7] * 6 + [1.0] * 17 + [0.7],
    "offices": [0.45] * 5 + [1.0] * 13 + [0.45] * 6,
    "education": [0.4] * 5 + [1.0] * 11 + [0.4] * 8,
    "healthcare": [1.0] * 24,
    "retail": [0.5] * 7 + [1.0] * 13 + [0.5] * 4,
}
THERMOSTAT_AT_WEEKENDS = {"offices": 0.45, "education": 0.4}

TAPS_BY_TWO_HOURS = {
    "residential": [1, 1, 1, 6, 5, 3, 3, 2, 3, 6, 5, 3],
    "offices": [0, 0, 0, 1, 3, 4, 5, 4, 2, 1, 0, 0],
    "education": [0, 0, 0, 2, 5, 5, 5, 3, 1, 0, 0, 0],
    "healthcare": [2, 2, 2, 5, 6, 5, 4, 3, 4, 4, 3, 2],
    "retail": [0, 0, 0, 1, 2, 3, 3, 3, 3, 2, 0, 0],
}


@dataclass(frozen=True)
class Losses:
    """The losses of all pipes together, in watts: a mean with a seasonal swing about it."""

    mean: float
    swing: float

    def at(self, hour: int) -> float:
        """The losses of one hour."""
        return self.mean + self.swing * cos(2 * pi * (hour / 24 - 49) / 365)

    @property
    def year(self) -> float:
        """The losses of a year, in watt-hours: the swing cancels out."""
        return self.mean * len(HOURS)


class Document:
    """An ESDL file as plain XML, with its elements by id."""

    def __init__(self, path: Path) -> None:
        self.root = ElementTree.parse(path).getroot()
        self.by_id = {element.get("id"): element for element in self.root.iter() if element.get("id")}

    def assets(self, kind: str) -> list[Element]:
        """The assets of one class, by its name in ESDL."""
        return [asset for asset in self.root.iter("asset") if asset.get(TYPE) == f"esdl:{kind}"]

    def sector(self, demand: Element) -> str:
        """The code of a consumer's sector."""
        return self.by_id[demand.attrib["sector"]].attrib["code"]

    def water_celsius(self, pipe: Element) -> float:
        """The temperature of the water in a pipe."""
        carrier = self.by_id[next(pipe.iter("port")).attrib["carrier"]]
        return float(carrier.get("supplyTemperature") or carrier.attrib["returnTemperature"])

    def watt_per_kelvin(self, pipe: Element) -> float:
        """What a pipe loses for each kelvin between its water and the ground."""
        wall = self.by_id[next(pipe.iter("material")).attrib["reference"]]
        diameter = float(pipe.attrib["innerDiameter"])
        resistance = 0.0
        for layer in wall.iter("component"):
            outer = diameter + 2 * float(layer.attrib["layerWidth"])
            conductivity = self.by_id[next(layer.iter("matter")).attrib["reference"]].attrib["thermalConductivity"]
            resistance += log(outer / diameter) / (2 * pi * float(conductivity))
            diameter = outer
        resistance += log(4 / diameter) / (2 * pi * 1.6)
        return float(pipe.attrib["length"]) / resistance


def hourly_share(sector: str, shift_kelvin: float) -> list[float]:
    """For each hour, the demand of a sector's buildings relative to their connected power."""
    limit, hot_water, taps = HEATING_LIMIT_CELSIUS[sector], HOT_WATER_SHARE[sector], TAPS_BY_TWO_HOURS[sector]
    weekday = THERMOSTAT_BY_HOUR[sector]
    weekend = [THERMOSTAT_AT_WEEKENDS[sector]] * 24 if sector in THERMOSTAT_AT_WEEKENDS else weekday
    thermostat = weekday * 5 + weekend * 2
    tap_scale = 12 / sum(taps)
    return [
        (1 - hot_water) * thermostat[hour % 168] * max(0.0, limit - air_celsius(hour) - shift_kelvin) / (limit + 10)
        + hot_water * tap_scale * taps[hour % 24 // 2]
        for hour in HOURS
    ]


def air_celsius(hour: int) -> float:
    """The outdoor temperature without the scenario's shift."""
    day = hour / 24
    return 10.5 - 7.5 * cos(2 * pi * (day - 20) / 365) - 2.5 * cos(2 * pi * (day - 1 / 6)) + 5 * sin(2 * pi * day / 9.7)


def pipe_losses(document: Document, ground_celsius: float) -> Losses:
    """The losses of all pipes."""
    pipes = [(document.watt_per_kelvin(pipe), document.water_celsius(pipe)) for pipe in document.assets("Pipe")]
    mean = fsum(watt_per_kelvin * (water - ground_celsius) for watt_per_kelvin, water in pipes)
    return Losses(mean, 5.0 * fsum(watt_per_kelvin for watt_per_kelvin, _ in pipes))


def expected_kpis(path: Path, parameters: dict[str, float]) -> dict[str, float]:
    """The results by the id that they have in the output; energies in MWh, power in MW, shares in percent."""
    document = Document(path)
    demands = document.assets("HeatingDemand")
    power: defaultdict[str, float] = defaultdict(float)
    for demand in demands:
        power[document.sector(demand)] += float(demand.attrib["power"])

    factor = (1 - parameters.get("savings_percent_per_year", 0.0) / 100) ** parameters.get("years", 0.0)
    shift = parameters.get("scenario_temperature_shift_kelvin", 0.0)
    shares = {sector: [factor * share for share in hourly_share(sector, shift)] for sector in power}
    losses = pipe_losses(document, parameters.get("ground_temperature_celsius", 10.0))
    supply = [losses.at(hour) + fsum(power[sector] * shares[sector][hour] for sector in power) for hour in HOURS]
    base_load = fsum(float(source.attrib["power"]) for source in document.assets("GeothermalSource"))

    full_load_hours = {sector: fsum(shares[sector]) for sector in power}
    demand_year = fsum(power[sector] * full_load_hours[sector] for sector in power)
    network = {
        "kpi-yearly-heat-demand": demand_year / 1e6,
        "kpi-yearly-pipe-losses": losses.year / 1e6,
        "kpi-pipe-loss-share": 100 * losses.year / (demand_year + losses.year),
        "kpi-yearly-heat-supply": (demand_year + losses.year) / 1e6,
        "kpi-yearly-peak-load-heat": fsum(watt - base_load for watt in supply if watt > base_load) / 1e6,
        "kpi-peak-heat-supply": max(supply) / 1e6,
    }
    consumers = {
        f"kpi-yearly-heat-demand.{demand.attrib['id']}": float(demand.attrib["power"])
        * full_load_hours[document.sector(demand)]
        / 1e6
        for demand in demands
    }
    return network | consumers


def main() -> None:
    """Prints the results as JSON."""
    parser = argparse.ArgumentParser(description="Compute the example's results a second time.")
    parser.add_argument("input", type=Path, metavar="INPUT.esdl")
    parser.add_argument("parameters", type=Path, metavar="PARAMETERS.json")
    arguments = parser.parse_args()
    parameters = json.loads(arguments.parameters.read_text(encoding="utf-8"))
    print(json.dumps(expected_kpis(arguments.input, parameters), indent=1))


if __name__ == "__main__":
    main()
