#!/usr/bin/env python3
"""Makes `network.esdl`: a district heat network for some fifty buildings, as ESDL.

The network is a tree. A geothermal source, a gas-fired peak boiler and a heat storage feed a trunk that runs east;
eight streets leave it, alternately to the north and to the south, with six buildings each. Every supply pipe has a
return pipe beside it. All numbers and ids follow from the tables below, so that making it anew gives the same bytes.

    python generate.py [network.esdl]
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import esdl
from esdl.esdl_handler import EnergySystemHandler

ESDL_VERSION = "v2609"
"""The version of the ESDL metamodel that the pinned pyESDL holds."""

SUPPLY_CELSIUS = 75.0
RETURN_CELSIUS = 45.0
WATER_KILOGRAM_PER_CUBIC_METRE = 983.0
WATER_JOULE_PER_KILOGRAM_KELVIN = 4185.0

ORIGIN_LATITUDE, ORIGIN_LONGITUDE = 51.998, 4.357
METRES_PER_DEGREE = 111_320.0

TRUNK_SPACING_METRE = 260.0
STREET_SPACING_METRE = 85.0
SERVICE_METRE = (22.0, 34.0)
RETURN_OFFSET_METRE = 3.0
"""How far a return pipe is drawn from its supply pipe."""


@dataclass(frozen=True)
class PipeSize:
    """A pre-insulated steel pipe; diameters and walls in millimetres, the velocity it is designed for in m/s."""

    name: str
    steel_outer: float
    steel_wall: float
    casing_outer: float
    casing_wall: float
    velocity: float

    @property
    def inner_metre(self) -> float:
        """The bore, in metres."""
        return (self.steel_outer - 2 * self.steel_wall) / 1000

    @property
    def outer_metre(self) -> float:
        """The outside of the casing, in metres."""
        return self.casing_outer / 1000

    @property
    def layers_metre(self) -> tuple[float, float, float]:
        """The thickness of steel, foam and casing, in metres, from the inside out."""
        foam = (self.casing_outer - self.steel_outer) / 2 - self.casing_wall
        return self.steel_wall / 1000, round(foam, 3) / 1000, self.casing_wall / 1000

    @property
    def capacity_watt(self) -> float:
        """The heat that the water carries at the design velocity, rounded to kilowatts."""
        bore = math.pi / 4 * self.inner_metre**2
        kilogram_per_second = bore * self.velocity * WATER_KILOGRAM_PER_CUBIC_METRE
        watt = kilogram_per_second * WATER_JOULE_PER_KILOGRAM_KELVIN * (SUPPLY_CELSIUS - RETURN_CELSIUS)
        return round(watt, -3)


PIPE_SIZES = (
    PipeSize("DN50", 60.3, 2.9, 140.0, 3.0, 1.0),
    PipeSize("DN65", 76.1, 2.9, 160.0, 3.0, 1.1),
    PipeSize("DN80", 88.9, 3.2, 180.0, 3.0, 1.2),
    PipeSize("DN100", 114.3, 3.6, 225.0, 3.4, 1.3),
    PipeSize("DN125", 139.7, 3.6, 250.0, 3.6, 1.5),
    PipeSize("DN150", 168.3, 4.0, 280.0, 3.9, 1.7),
    PipeSize("DN200", 219.1, 4.5, 355.0, 4.5, 2.0),
    PipeSize("DN250", 273.0, 5.0, 450.0, 5.2, 2.3),
    PipeSize("DN300", 323.9, 5.6, 500.0, 5.6, 2.6),
)

NARROW_PIPES = frozenset({"Esdoornlaan pipe 1"})
"""Pipes that were left one size too small: the bottleneck that a computation should find."""

MATERIALS = (("steel", 52.0), ("polyurethane foam", 0.027), ("polyethylene", 0.43))
"""The layers of a pipe from the inside out, with their thermal conductivity in W/(m K)."""

SECTORS = ("residential", "offices", "education", "healthcare", "retail")
HOMES, OFFICES, SCHOOL, CARE, SHOPS = SECTORS

STREETS: dict[str, tuple[tuple[str, float], ...]] = {
    "Elzenlaan": ((HOMES, 180), (HOMES, 210), (HOMES, 195), (HOMES, 240), (SHOPS, 120), (HOMES, 165)),
    "Beukenlaan": ((HOMES, 260), (HOMES, 225), (SCHOOL, 310), (HOMES, 190), (HOMES, 205), (HOMES, 170)),
    "Lindenlaan": ((OFFICES, 420), (OFFICES, 350), (SHOPS, 160), (OFFICES, 280), (HOMES, 230), (HOMES, 150)),
    "Kastanjelaan": ((HOMES, 275), (HOMES, 250), (CARE, 380), (HOMES, 140), (HOMES, 155), (HOMES, 185)),
    "Wilgenlaan": ((HOMES, 320), (HOMES, 290), (HOMES, 305), (SHOPS, 145), (HOMES, 215), (HOMES, 220)),
    "Esdoornlaan": ((SCHOOL, 270), (HOMES, 160), (HOMES, 175), (HOMES, 200), (OFFICES, 240), (HOMES, 135)),
    "Populierenlaan": ((CARE, 450), (HOMES, 210), (HOMES, 235), (SHOPS, 110), (HOMES, 180), (HOMES, 145)),
    "Iepenlaan": ((HOMES, 285), (HOMES, 240), (OFFICES, 190), (HOMES, 125), (HOMES, 160), (HOMES, 150)),
}
"""Each street's buildings in the order of their house numbers: sector and connected power in kilowatts."""

GEOTHERMAL_WATT = 5.0e6
BOILER_WATT = 8.0e6
STORAGE_JOULE = 2.16e11
STORAGE_CUBIC_METRE = 1750.0


@dataclass(frozen=True)
class Place:
    """A spot in metres east and north of the plant."""

    east: float
    north: float

    def moved(self, east: float, north: float) -> Place:
        """The spot so many metres further."""
        return Place(self.east + east, self.north + north)

    def point(self) -> esdl.Point:
        """The spot in degrees (WGS84)."""
        latitude = ORIGIN_LATITUDE + self.north / METRES_PER_DEGREE
        longitude = ORIGIN_LONGITUDE + self.east / (METRES_PER_DEGREE * math.cos(math.radians(ORIGIN_LATITUDE)))
        return esdl.Point(lat=round(latitude, 6), lon=round(longitude, 6))


@dataclass(frozen=True)
class Pair:
    """Two joints beside each other, one in the supply line and one in the return line."""

    supply: esdl.Joint
    back: esdl.Joint
    place: Place


def identifier(name: str) -> str:
    """The id of what has this name."""
    return name.lower().replace(" ", "-")


def pipe_size(watt: float) -> PipeSize:
    """The smallest pipe that carries so much heat."""
    return next(size for size in PIPE_SIZES if size.capacity_watt >= watt)


def connect(giver: esdl.EnergyAsset, taker: esdl.EnergyAsset) -> None:
    """Lets water flow from one asset to the next: joins the ports that have the same carrier."""
    for start in (port for port in giver.port if isinstance(port, esdl.OutPort)):
        for end in (port for port in taker.port if isinstance(port, esdl.InPort)):
            if start.carrier is end.carrier:
                start.connectedTo.append(end)
                return
    raise ValueError(f"{giver.name} and {taker.name} have no carrier in common")


class NetworkBuilder:
    """Adds assets to one energy system and connects them."""

    def __init__(self) -> None:
        self.handler = EnergySystemHandler()
        system = self.handler.create_empty_energy_system(
            "Heat network", "A district heat network made by generate.py", "Reference year", "Heat network"
        )
        system.id, system.esdlVersion = "heat-network", ESDL_VERSION
        system.instance[0].id = "reference-year"
        self.area = system.instance[0].area
        self.area.id = "main-area"
        self.area.scope = esdl.AreaScopeEnum.NEIGHBOURHOOD
        information = esdl.EnergySystemInformation(id="information")
        system.energySystemInformation = information
        self._add_carriers(information)
        self._add_sectors(information)
        self._add_matters(information)

    def _add_carriers(self, information: esdl.EnergySystemInformation) -> None:
        self.supply = esdl.HeatCommodity(id="heat-supply", name="Heat, supply", supplyTemperature=SUPPLY_CELSIUS)
        self.back = esdl.HeatCommodity(id="heat-return", name="Heat, return", returnTemperature=RETURN_CELSIUS)
        self.gas = esdl.GasCommodity(id="gas", name="Natural gas", pressure=8.0)
        information.carriers = esdl.Carriers(id="carriers")
        information.carriers.carrier.extend([self.supply, self.back, self.gas])

    def _add_sectors(self, information: esdl.EnergySystemInformation) -> None:
        self.sectors = {code: esdl.Sector(id=f"sector-{code}", name=code.capitalize(), code=code) for code in SECTORS}
        information.sectors = esdl.Sectors(id="sectors")
        information.sectors.sector.extend(self.sectors.values())

    def _add_matters(self, information: esdl.EnergySystemInformation) -> None:
        materials = [
            esdl.Material(id=identifier(name), name=name.capitalize(), thermalConductivity=conductivity)
            for name, conductivity in MATERIALS
        ]
        self.walls = {size: self._wall(size, materials) for size in PIPE_SIZES}
        information.matters = esdl.Matters(id="matters")
        information.matters.matter.extend([*materials, *self.walls.values()])

    @staticmethod
    def _wall(size: PipeSize, materials: list[esdl.Material]) -> esdl.CompoundMatter:
        wall = esdl.CompoundMatter(
            id=f"wall-{size.name.lower()}", name=f"Wall of {size.name}", compoundType=esdl.CompoundTypeEnum.LAYERED
        )
        for width, material in zip(size.layers_metre, materials, strict=True):
            layer = esdl.CompoundMatterComponent(layerWidth=width)
            layer.matter = esdl.MatterReference(id=f"{wall.id}.{material.id}", reference=material)
            wall.component.append(layer)
        return wall

    def add(
        self,
        asset: esdl.EnergyAsset,
        name: str,
        geometry: esdl.Geometry,
        takes: Iterable[esdl.Carrier] = (),
        gives: Iterable[esdl.Carrier] = (),
    ) -> esdl.EnergyAsset:
        """Puts an asset on the map, with a port for each carrier that it takes and gives."""
        asset.id, asset.name, asset.geometry = identifier(name), name, geometry
        for port, label, carriers in ((esdl.InPort, "in", takes), (esdl.OutPort, "out", gives)):
            for carrier in carriers:
                asset.port.append(port(id=f"{asset.id}.{label}.{carrier.id}", name=label.capitalize(), carrier=carrier))
        self.area.asset.append(asset)
        return asset

    def add_joints(self, name: str, place: Place) -> Pair:
        """A joint in the supply line and one in the return line."""
        supply = self.add(esdl.Joint(), f"{name} supply", place.point(), [self.supply], [self.supply])
        beside = place.moved(RETURN_OFFSET_METRE, RETURN_OFFSET_METRE)
        back = self.add(esdl.Joint(), f"{name} return", beside.point(), [self.back], [self.back])
        return Pair(supply, back, place)

    def add_pipe(self, name: str, carrier: esdl.Carrier, size: PipeSize, start: Place, end: Place) -> esdl.Pipe:
        """A straight pipe in which the water flows from start to end."""
        pipe = esdl.Pipe(
            length=round(math.hypot(end.east - start.east, end.north - start.north), 1),
            diameter=esdl.PipeDiameterEnum.from_string(size.name),
            innerDiameter=round(size.inner_metre, 4),
            outerDiameter=size.outer_metre,
            capacity=size.capacity_watt,
        )
        line = esdl.Line(point=[start.point(), end.point()])
        self.add(pipe, name, line, [carrier], [carrier])
        pipe.material = esdl.MatterReference(id=f"{pipe.id}.wall", reference=self.walls[size])
        return pipe

    def add_pipes(
        self, name: str, watt: float, near: tuple[esdl.EnergyAsset, esdl.EnergyAsset, Place], far: Pair
    ) -> None:
        """A supply pipe from `near` (supply side, return side, place) to `far` and a return pipe back."""
        supply_side, return_side, place = near
        size = pipe_size(watt)
        if name in NARROW_PIPES:
            size = PIPE_SIZES[PIPE_SIZES.index(size) - 1]
        there = self.add_pipe(f"{name} supply", self.supply, size, place, far.place)
        shift = (RETURN_OFFSET_METRE, RETURN_OFFSET_METRE)
        back = self.add_pipe(f"{name} return", self.back, size, far.place.moved(*shift), place.moved(*shift))
        for giver, taker in ((supply_side, there), (there, far.supply), (far.back, back), (back, return_side)):
            connect(giver, taker)

    def add_plant(self) -> tuple[esdl.EnergyAsset, Pair]:
        """Producers, storage and main pump around the first pair of joints; returns the pump and the joints."""
        place = Place(0.0, 0.0)
        joints = self.add_joints("Plant joint", place)
        well = self.add(
            esdl.GeothermalSource(power=GEOTHERMAL_WATT, aquiferTemperature=78.0, wellDepth=2200.0, COP=18.0),
            "Geothermal source",
            place.moved(-80, 20).point(),
            [self.back],
            [self.supply],
        )
        boiler = self.add(
            esdl.GasHeater(power=BOILER_WATT, efficiency=0.95),
            "Peak boiler",
            place.moved(-60, -30).point(),
            [self.back, self.gas],
            [self.supply],
        )
        storage = self.add(
            esdl.HeatStorage(capacity=STORAGE_JOULE, volume=STORAGE_CUBIC_METRE, maxStorageTemperature=SUPPLY_CELSIUS),
            "Heat storage",
            place.moved(-30, 40).point(),
            [self.supply],
            [self.back],
        )
        import_ = self.add(
            esdl.Import(power=BOILER_WATT / 0.95), "Gas connection", place.moved(-90, -40).point(), gives=[self.gas]
        )
        connect(import_, boiler)
        for producer in (well, boiler):
            connect(producer, joints.supply)
            connect(joints.back, producer)
        connect(joints.supply, storage)
        connect(storage, joints.back)
        return self.add_pump("Main pump", place.moved(10, 0), joints.supply), joints

    def add_pump(self, name: str, place: Place, giver: esdl.EnergyAsset) -> esdl.Pump:
        """A pump in the supply line, behind `giver`."""
        pump = self.add(esdl.Pump(pumpEfficiency=0.75), name, place.point(), [self.supply], [self.supply])
        connect(giver, pump)
        return pump

    def add_trunk(self) -> None:
        """The trunk with its streets, from the plant to the far end; a second pump helps from halfway."""
        supply_side, joints = self.add_plant()
        return_side, place = joints.back, joints.place
        remaining = sum(map(street_watt, STREETS))
        for number, street in enumerate(STREETS, start=1):
            far = self.add_joints(f"Trunk joint {number}", place.moved(TRUNK_SPACING_METRE, 0))
            self.add_pipes(f"Trunk pipe {number}", remaining, (supply_side, return_side, place), far)
            self.add_street(street, far, north=number % 2 == 1)
            remaining -= street_watt(street)
            supply_side, return_side, place = far.supply, far.back, far.place
            if number == len(STREETS) // 2:
                supply_side = self.add_pump("Booster pump", place.moved(10, 0), far.supply)

    def add_street(self, street: str, start: Pair, *, north: bool) -> None:
        """A street's pipes, with a pair of joints for every two buildings."""
        buildings = list(enumerate(STREETS[street], start=1))
        remaining, near = street_watt(street), start
        for number in range(1, len(buildings) // 2 + 1):
            step = STREET_SPACING_METRE if north else -STREET_SPACING_METRE
            far = self.add_joints(f"{street} joint {number}", near.place.moved(0, step))
            self.add_pipes(f"{street} pipe {number}", remaining, (near.supply, near.back, near.place), far)
            for house, (sector, kilowatt) in buildings[2 * number - 2 : 2 * number]:
                self.add_building(f"{street} {house}", self.sectors[sector], kilowatt * 1e3, far, west=house % 2 == 1)
                remaining -= kilowatt * 1e3
            near = far

    def add_building(self, name: str, sector: esdl.Sector, watt: float, joints: Pair, *, west: bool) -> None:
        """A building's heat demand and the service pipes that join it to the street."""
        metres = -SERVICE_METRE[0] if west else SERVICE_METRE[1]
        place, shift = joints.place.moved(metres, 0), (RETURN_OFFSET_METRE, RETURN_OFFSET_METRE)
        size = pipe_size(watt)
        there = self.add_pipe(f"{name} service supply", self.supply, size, joints.place, place)
        back = self.add_pipe(f"{name} service return", self.back, size, place.moved(*shift), joints.place.moved(*shift))
        demand = esdl.HeatingDemand(power=watt, type=esdl.HeatDemandTypeEnum.SH_AND_HTW, sector=sector)
        self.add(demand, name, place.point(), [self.supply], [self.back])
        for giver, taker in ((joints.supply, there), (there, demand), (demand, back), (back, joints.back)):
            connect(giver, taker)


def street_watt(street: str) -> float:
    """The connected power of a street's buildings, in watts."""
    return sum(kilowatt * 1e3 for _, kilowatt in STREETS[street])


def network_esdl() -> str:
    """The whole network, as the text of an ESDL file."""
    builder = NetworkBuilder()
    builder.add_trunk()
    return builder.handler.to_string()


def main() -> None:
    """Writes the network to the file that the command line names."""
    parser = argparse.ArgumentParser(description="Make the example heat network.")
    default = Path(__file__).with_name("network.esdl")
    parser.add_argument("output", nargs="?", type=Path, default=default, help="the file to write")
    parser.parse_args().output.write_text(network_esdl(), encoding="utf-8")


if __name__ == "__main__":
    main()
