"""The worker's messages about the ESDL, in the form in which the operator reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

SEVERITIES = {"DEBUG", "INFO", "WARNING", "ERROR"}


def entries(messages: Iterable[Any] | None) -> list[dict[str, str]]:
    """Entries of messages.json. What cannot be understood is no reason to lose a result: it is told as a warning."""
    return [_entry(message) for message in messages or ()]


def _entry(message: Any) -> dict[str, str]:
    text = _field(message, "technical_message", "technicalMessage")
    severity = _severity(_field(message, "severity"))
    about = _field(message, "esdl_object_id", "esdlObjectId")
    if text is None or severity is None:
        return {"technicalMessage": f"a message that cannot be understood: {message!r}", "severity": "WARNING"}
    entry = {"technicalMessage": str(text), "severity": severity}
    return entry if about is None else {**entry, "esdlObjectId": str(about)}


def _field(message: Any, *names: str) -> Any:
    """The first of these that an object or a mapping has."""
    for name in names:
        value = message.get(name) if isinstance(message, Mapping) else getattr(message, name, None)
        if value is not None:
            return value
    return None


def _severity(value: Any) -> str | None:
    """The name of a severity: of upstream's enum, or of text."""
    name = str(getattr(value, "value", value)).upper()
    return name if name in SEVERITIES else None
