"""Reads a heat network from an ESDL file and writes the results into it, with pyESDL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import esdl
from esdl.esdl_handler import EnergySystemHandler

from model import SECTORS, Consumer, InputError, Kpi, Network, Pipe, conductance

CONDUCTORS = (esdl.Pipe, esdl.Joint, esdl.Pump)
"""What water flows through on its way between producers and consumers."""


@dataclass(frozen=True)
class EsdlFile:
    """An ESDL file in memory and the heat network found in it."""

    handler: EnergySystemHandler
    network: Network


def read(path: Path) -> EsdlFile:
    """Reads the file and finds its consumers, pipes and base load."""
    handler = EnergySystemHandler()
    try:
        handler.load_file(str(path))
    except Exception as error:
        # pyESDL tells malformed XML, unknown classes and dangling references by as many kinds of exception.
        raise InputError(f"the input is not readable ESDL ({error}): check it with the ESDL MapEditor") from error
    area = main_area(handler)
    demands = assets(area, esdl.HeatingDemand)
    pipes = assets(area, esdl.Pipe)
    if not demands or not pipes:
        raise InputError(
            f'area "{area.name}" has {len(demands)} assets HeatingDemand and {len(pipes)} Pipe:'
            " give at least one of each"
        )
    positions = {demand.id: position for position, demand in enumerate(demands)}
    network = Network(
        consumers=tuple(map(consumer, demands)),
        pipes=tuple(pipe(asset, positions) for asset in pipes),
        base_load_watt=sum(producer.power for producer in assets(area, esdl.HeatProducer)),
    )
    return EsdlFile(handler, network)


def main_area(handler: EnergySystemHandler) -> esdl.Area:
    """The area of the first instance, which holds the network."""
    instances = handler.energy_system.instance
    if not instances or instances[0].area is None:
        raise InputError("the energy system has no instance with an area: add the network to one")
    return instances[0].area


def assets(area: esdl.Area, kind: type[Any]) -> list[esdl.Asset]:
    """The assets of one kind in the area and in the areas within it, those that are switched off left out."""
    found = [asset for asset in area.asset if isinstance(asset, kind) and asset.state == esdl.AssetStateEnum.ENABLED]
    for inner in area.area:
        found.extend(assets(inner, kind))
    return found


def consumer(demand: esdl.HeatingDemand) -> Consumer:
    """The consumer that an asset describes."""
    code = demand.sector.code if demand.sector else ""
    if code not in SECTORS:
        raise InputError(
            f'HeatingDemand "{demand.name}" has the sector "{code}": set a sector with the code {", ".join(SECTORS)}',
            demand.id,
        )
    return Consumer(demand.id, demand.name, positive(demand, "power", "watts"), code)


def pipe(asset: esdl.Pipe, positions: dict[str, int]) -> Pipe:
    """The pipe that an asset describes; `positions` are the consumers' by their asset's id."""
    watt_per_metre_kelvin = conductance(positive(asset, "innerDiameter", "metres"), layers(asset))
    return Pipe(
        id=asset.id,
        name=asset.name,
        water_celsius=water_celsius(asset),
        loss_watt_per_kelvin=positive(asset, "length", "metres") * watt_per_metre_kelvin,
        capacity_watt=positive(asset, "capacity", "watts"),
        served=tuple(sorted(positions[demand.id] for demand in served(asset) if demand.id in positions)),
    )


def positive(asset: esdl.Asset, attribute: str, unit: str) -> float:
    """An attribute that has to be greater than zero."""
    value = getattr(asset, attribute)
    if not value or value <= 0:
        kind = type(asset).__name__
        raise InputError(f'{kind} "{asset.name}" has {attribute} {value}: set the {unit} it has', asset.id)
    return float(value)


def layers(asset: esdl.Pipe) -> list[tuple[float, float]]:
    """Thickness (metres) and thermal conductivity (W/(m K)) of a pipe's layers, from the inside out."""
    wall = resolved(asset.material)
    if not isinstance(wall, esdl.CompoundMatter) or not wall.component:
        raise InputError(f'Pipe "{asset.name}" has no layers: set its material to a CompoundMatter', asset.id)
    return [(layer.layerWidth, conductivity(asset, resolved(layer.matter))) for layer in wall.component]


def conductivity(asset: esdl.Pipe, material: esdl.AbstractMatter | None) -> float:
    """The thermal conductivity of a layer of the pipe, in W/(m K)."""
    if not isinstance(material, esdl.Material) or not material.thermalConductivity:
        raise InputError(
            f'Pipe "{asset.name}" has a layer without thermal conductivity: set it in the layer\'s Material', asset.id
        )
    return material.thermalConductivity


def resolved(matter: esdl.AbstractMatter | None) -> esdl.AbstractMatter | None:
    """What a reference to a matter refers to."""
    return matter.reference if isinstance(matter, esdl.MatterReference) else matter


def water_celsius(asset: esdl.Pipe) -> float:
    """The temperature of the water in a pipe: its carrier has one of the two."""
    for port in asset.port:
        if isinstance(port.carrier, esdl.HeatCommodity):
            return port.carrier.supplyTemperature or port.carrier.returnTemperature
    raise InputError(f'Pipe "{asset.name}" has no heat carrier: give its ports a HeatCommodity', asset.id)


def served(asset: esdl.Pipe) -> list[esdl.HeatingDemand]:
    """The consumers behind a pipe: downstream of a supply pipe, upstream of a return pipe. The network has no loops."""
    return list(reachable(asset, esdl.OutPort)) or list(reachable(asset, esdl.InPort))


def reachable(start: esdl.Pipe, direction: type[Any]) -> Iterator[esdl.HeatingDemand]:
    """The consumers that are reached through ports of one direction."""
    seen, ahead = {start.id}, [start]
    while ahead:
        for port in ahead.pop().port:
            if not isinstance(port, direction):
                continue
            for neighbour in (other.energyasset for other in port.connectedTo):
                if neighbour.id in seen:
                    continue
                seen.add(neighbour.id)
                if isinstance(neighbour, esdl.HeatingDemand):
                    yield neighbour
                elif isinstance(neighbour, CONDUCTORS):
                    ahead.append(neighbour)


def write(file: EsdlFile, kpis: list[Kpi], path: Path) -> None:
    """Writes the ESDL with the results on its main area; results of an earlier run are replaced, all else is kept."""
    area = main_area(file.handler)
    if area.KPIs is None:
        area.KPIs = esdl.KPIs(id="kpis")
    ours = {kpi.id for kpi in kpis}
    for old in [kpi for kpi in area.KPIs.kpi if kpi.id in ours]:
        area.KPIs.kpi.remove(old)
    area.KPIs.kpi.extend(map(double_kpi, kpis))
    path.write_text(file.handler.to_string(), encoding="utf-8")


def double_kpi(kpi: Kpi) -> esdl.DoubleKPI:
    """A result as ESDL holds it."""
    return esdl.DoubleKPI(id=kpi.id, name=kpi.name, value=kpi.value, quantityAndUnit=quantity_and_unit(kpi.unit))


def quantity_and_unit(unit: str) -> esdl.QuantityAndUnitType:
    """A unit as ESDL holds it."""
    match unit:
        case "MWh":
            quantity, multiplier, name = "ENERGY", "MEGA", "WATTHOUR"
        case "MW":
            quantity, multiplier, name = "POWER", "MEGA", "WATT"
        case "%":
            quantity, multiplier, name = "COEFFICIENT", "NONE", "PERCENT"
        case _:
            raise ValueError(f"no ESDL for the unit {unit}")
    return esdl.QuantityAndUnitType(
        physicalQuantity=esdl.PhysicalQuantityEnum.from_string(quantity),
        multiplier=esdl.MultiplierEnum.from_string(multiplier),
        unit=esdl.UnitEnum.from_string(name),
    )
