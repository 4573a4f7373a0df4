"""The model of a heat network's year, free of ESDL, files and clocks.

Hours count from 0, which begins on Monday 1 January at midnight; the year has 8760 of them, each taken at its start.

- Outdoor air, in degrees Celsius: a mean of 10.5, a seasonal swing of 7.5 (coldest on 21 January), a daily swing of 2.5
  (coldest at 4 o'clock) and spells of weather of 5 that come and go in 9.7 days; the scenario's shift comes on top.
- Heat demand: degree hours. A building's connected power belongs to an outdoor temperature of -10 degrees. Of it, the
  share for hot water is the mean use of hot water, spread over the day by the sector's habits; the rest is space
  heating, proportional to how far it is below the sector's heating limit, and lower while the thermostat is set back.
- Pipe losses: the pipe's layers and a metre of soil above it, between its water and the undisturbed ground, which has
  the given mean and a seasonal swing of 5 (coldest on 19 February).
- Supply: demand and losses of the same hour; storage is left out of the year's balance.
- A pipe's load: the demand of all consumers behind it, because they draw its water.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

HOURS_PER_YEAR = 8760
HOURS_PER_STEP = 24
DESIGN_CELSIUS = -10.0
SOIL_WATT_PER_METRE_KELVIN = 1.6
PIPE_DEPTH_METRE = 1.0


class InputError(ValueError):
    """The parameters or the network cannot be used; the text says what to change."""

    def __init__(self, message: str, asset_id: str | None = None) -> None:
        super().__init__(message)
        self.asset_id = asset_id


class ParameterError(InputError):
    """A parameter cannot be used."""


@dataclass(frozen=True)
class Bounds:
    """What a parameter may be, and what it is when it is left out."""

    default: float
    minimum: float
    maximum: float
    unit: str
    whole: bool = False

    def describe(self) -> str:
        """The remedy for a wrong value."""
        kind = "whole number" if self.whole else "number"
        return f"a {kind} of {self.unit} from {self.minimum:g} to {self.maximum:g}"

    def admits(self, value: object) -> bool:
        """Whether the value may be used. JSON's true and false are no numbers."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return self.minimum <= value <= self.maximum and (not self.whole or value == int(value))


PARAMETERS: Mapping[str, Bounds] = {
    "minimum_seconds": Bounds(0.0, 0.0, 86_400.0, "seconds"),
    "scenario_temperature_shift_kelvin": Bounds(0.0, -10.0, 10.0, "kelvin"),
    "years": Bounds(0.0, 0.0, 50.0, "years", whole=True),
    "savings_percent_per_year": Bounds(0.0, 0.0, 10.0, "percent"),
    "ground_temperature_celsius": Bounds(10.0, 0.0, 25.0, "degrees Celsius"),
}


@dataclass(frozen=True)
class Parameters:
    """A job's parameters, each within its bounds.

    `years` ahead, insulation has lowered the demand by `savings_percent_per_year` a year.
    """

    minimum_seconds: float
    scenario_temperature_shift_kelvin: float
    years: float
    savings_percent_per_year: float
    ground_temperature_celsius: float

    @property
    def demand_factor(self) -> float:
        """The demand's ratio to today's."""
        return (1 - self.savings_percent_per_year / 100) ** self.years


def read_parameters(given: object) -> Parameters:
    """Checks a job's parameters and fills in the defaults."""
    if not isinstance(given, Mapping):
        raise ParameterError(f"the parameters are {given!r}: give a JSON object, such as {{}}")
    for name, value in given.items():
        if name not in PARAMETERS:
            raise ParameterError(f'parameter "{name}" is unknown: leave it out, or use one of {", ".join(PARAMETERS)}')
        if not PARAMETERS[name].admits(value):
            raise ParameterError(f'parameter "{name}" is {value!r}: give {PARAMETERS[name].describe()}')
    return Parameters(**{name: float(given.get(name, bounds.default)) for name, bounds in PARAMETERS.items()})


@dataclass(frozen=True)
class Sector:
    """How the buildings of a sector use heat.

    Heating is lowered to `setback` of what the degree hours ask for outside the hours from `start` to `end`, at
    weekends too where `weekend_setback` is true. `hot_water` is the share of connected power that is hot water's mean.
    """

    limit_celsius: float
    start: int
    end: int
    setback: float
    weekend_setback: bool
    hot_water: float
    taps: tuple[int, ...]
    """How much hot water each two hours of the day take, relative to each other."""

    def heating(self, hour: int) -> float:
        """The share of the degree hours' heating that is wanted in this hour of the year."""
        at_work = self.start <= hour % 24 < self.end
        weekend = hour // 24 % 7 >= 5
        return self.setback if not at_work or (weekend and self.weekend_setback) else 1.0

    def tapping(self, hour: int) -> float:
        """The use of hot water in this hour of the year, relative to its mean."""
        return self.taps[hour % 24 // 2] * len(self.taps) / sum(self.taps)

    def demand(self, hour: int, outdoor_celsius: float) -> float:
        """The heat demand in this hour, relative to connected power."""
        degrees = max(0.0, self.limit_celsius - outdoor_celsius) / (self.limit_celsius - DESIGN_CELSIUS)
        return (1 - self.hot_water) * degrees * self.heating(hour) + self.hot_water * self.tapping(hour)


SECTORS: Mapping[str, Sector] = {
    "residential": Sector(15.5, 6, 23, 0.7, False, 0.06, (1, 1, 1, 6, 5, 3, 3, 2, 3, 6, 5, 3)),
    "offices": Sector(14.0, 5, 18, 0.45, True, 0.01, (0, 0, 0, 1, 3, 4, 5, 4, 2, 1, 0, 0)),
    "education": Sector(14.5, 5, 16, 0.4, True, 0.015, (0, 0, 0, 2, 5, 5, 5, 3, 1, 0, 0, 0)),
    "healthcare": Sector(17.0, 0, 24, 1.0, False, 0.1, (2, 2, 2, 5, 6, 5, 4, 3, 4, 4, 3, 2)),
    "retail": Sector(14.0, 7, 20, 0.5, False, 0.005, (0, 0, 0, 1, 2, 3, 3, 3, 3, 2, 0, 0)),
}


@dataclass(frozen=True)
class Consumer:
    """A building with its connected power."""

    id: str
    name: str
    power_watt: float
    sector: str


@dataclass(frozen=True)
class Pipe:
    """A buried pipe: the heat that it loses per kelvin, and the consumers behind it (indices in the network's list)."""

    id: str
    name: str
    water_celsius: float
    loss_watt_per_kelvin: float
    capacity_watt: float
    served: tuple[int, ...]


@dataclass(frozen=True)
class Network:
    """What the model needs to know of a heat network."""

    consumers: tuple[Consumer, ...]
    pipes: tuple[Pipe, ...]
    base_load_watt: float


@dataclass(frozen=True)
class Kpi:
    """A result: `unit` is "MWh", "MW" or "%"."""

    id: str
    name: str
    value: float
    unit: str


@dataclass
class Peak:
    """The highest value so far and its hour."""

    watt: float = 0.0
    hour: int = 0

    def see(self, watt: float, hour: int) -> None:
        """Takes one hour's value into account."""
        if watt > self.watt:
            self.watt, self.hour = watt, hour


@dataclass
class Totals:
    """What the hours computed so far add up to; energies in watt-hours."""

    consumers: list[float]
    loss: float = 0.0
    beyond_base_load: float = 0.0
    supply_peak: Peak = field(default_factory=Peak)
    load_peaks: dict[tuple[int, ...], Peak] = field(default_factory=dict)
    """By the consumers that a pipe serves; a supply pipe and its return pipe share one."""

    @property
    def demand(self) -> float:
        """The heat demand of all consumers."""
        return math.fsum(self.consumers)


def outdoor_celsius(hour: int) -> float:
    """The outdoor air of an average year."""
    season = -7.5 * math.cos(2 * math.pi * (hour / 24 - 20) / 365)
    day = -2.5 * math.cos(2 * math.pi * (hour - 4) / 24)
    weather = 5.0 * math.sin(2 * math.pi * hour / 24 / 9.7)
    return 10.5 + season + day + weather


def ground_celsius(hour: int, mean_celsius: float) -> float:
    """The undisturbed ground at the depth of the pipes."""
    return mean_celsius - 5.0 * math.cos(2 * math.pi * (hour / 24 - 49) / 365)


def conductance(bore_metre: float, layers: list[tuple[float, float]]) -> float:
    """The heat that a buried pipe loses, in watts per metre and kelvin between its water and the ground.

    `layers`: thickness in metres and thermal conductivity in W/(m K), from the inside out.
    """
    radius, resistance = bore_metre / 2, 0.0
    for thickness, watt_per_metre_kelvin in layers:
        resistance += math.log((radius + thickness) / radius) / watt_per_metre_kelvin
        radius += thickness
    resistance += math.log(2 * PIPE_DEPTH_METRE / radius) / SOIL_WATT_PER_METRE_KELVIN
    return 2 * math.pi / resistance


def new_totals(network: Network) -> Totals:
    """Totals of no hour at all."""
    return Totals([0.0] * len(network.consumers), load_peaks={pipe.served: Peak() for pipe in network.pipes})


def simulate(network: Network, parameters: Parameters, totals: Totals) -> Iterator[int]:
    """Adds a year to `totals`, a day at a step; yields the number of hours that are done."""
    for done in range(HOURS_PER_STEP, HOURS_PER_YEAR + 1, HOURS_PER_STEP):
        for hour in range(done - HOURS_PER_STEP, done):
            add_hour(network, parameters, hour, totals)
        yield done


def add_hour(network: Network, parameters: Parameters, hour: int, totals: Totals) -> None:
    """Adds one hour to `totals`."""
    demands = consumer_demands(network, parameters, hour)
    for index, watt in enumerate(demands):
        totals.consumers[index] += watt
    ground = ground_celsius(hour, parameters.ground_temperature_celsius)
    loss = sum(pipe.loss_watt_per_kelvin * (pipe.water_celsius - ground) for pipe in network.pipes)
    supply = sum(demands) + loss
    totals.loss += loss
    totals.beyond_base_load += max(0.0, supply - network.base_load_watt)
    totals.supply_peak.see(supply, hour)
    for served, peak in totals.load_peaks.items():
        peak.see(sum([demands[index] for index in served]), hour)


def consumer_demands(network: Network, parameters: Parameters, hour: int) -> list[float]:
    """The heat demand of each consumer in one hour, in watts."""
    outdoor = outdoor_celsius(hour) + parameters.scenario_temperature_shift_kelvin
    relative = {name: sector.demand(hour, outdoor) * parameters.demand_factor for name, sector in SECTORS.items()}
    return [consumer.power_watt * relative[consumer.sector] for consumer in network.consumers]
