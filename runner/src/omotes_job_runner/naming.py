"""The name of the output's energy system, by the rule of OMOTES workers.

The name is exact; the rest of the file stays as the function wrote it, byte for byte. (OMOTES workers read the file
into pyESDL and write it anew, which changes the order of attributes and white space, but nothing that they mean.)
"""

from __future__ import annotations

import re
from xml.parsers import expat

_ATTRIBUTE = rb"""\s+([^\s=>/"']+)\s*=\s*("[^"]*"|'[^']*')"""
_TAG = re.compile(rb"<[^\s>/]+(?:" + _ATTRIBUTE + rb")*\s*/?>")
_NAMED = re.compile(_ATTRIBUTE)
_ESCAPES = {"&": "&amp;", "<": "&lt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}


class EsdlError(Exception):
    """This is no ESDL; the text says why."""


def named_output(input_esdl: str, output_esdl: str, workflow: str, reference: str | None) -> str:
    """The output with the name of the input's energy system and what the job is called: its reference, or without one
    its workflow; with an empty reference the input's name alone. An input without a name is called None, as in OMOTES.
    """
    base, _ = _root(input_esdl, "input")
    suffix = workflow if reference is None else reference
    return _renamed(output_esdl, f"{base}_{suffix}" if suffix else f"{base}")


def _renamed(esdl: str, name: str) -> str:
    _, start = _root(esdl, "output")
    text = esdl.encode("utf-8")
    tag = _TAG.match(text, start)
    if tag is None:
        raise EsdlError("the output's first element cannot be renamed: its start tag is not plain XML")
    value = "".join(_ESCAPES.get(letter, letter) for letter in name).encode("utf-8")
    for attribute in _NAMED.finditer(text, start, tag.end()):
        if attribute[1] == b"name":
            return (text[: attribute.start(2)] + b'"' + value + b'"' + text[attribute.end(2) :]).decode("utf-8")
    end = tag.end() - (2 if tag[0].endswith(b"/>") else 1)
    return (text[:end].rstrip() + b' name="' + value + b'"' + text[end:]).decode("utf-8")


def _root(esdl: str, what: str) -> tuple[str | None, int]:
    """The name of an energy system, and where its start tag begins in the UTF-8. All of the file must be XML."""
    found: list[tuple[str, dict[str, str], int]] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        found.append((tag, attributes, parser.CurrentByteIndex))
        parser.StartElementHandler = None

    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = start
    try:
        parser.Parse(esdl.encode("utf-8"), True)
    except expat.ExpatError as error:
        raise EsdlError(f"the {what} is not XML: {error}") from None
    tag, attributes, index = found[0]
    if tag.rpartition(":")[2] != "EnergySystem":
        raise EsdlError(f"the {what} is no ESDL: its first element is {tag}, and not an EnergySystem")
    return attributes.get("name"), index
