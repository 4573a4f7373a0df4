"""The name of the output's energy system."""

from __future__ import annotations

import pytest
from omotes_job_runner.naming import EsdlError, named_output

ESDL = 'xmlns:esdl="http://www.tno.nl/esdl"'
DELFT = f'<esdl:EnergySystem {ESDL} name="Delft"/>'


@pytest.mark.parametrize(
    ("reference", "name"),
    [(None, "Delft_grow"), ("", "Delft"), ("variant B", "Delft_variant B"), ('<"&\n', "Delft_&lt;&quot;&amp;&#10;")],
)
def test_the_name_tells_what_the_job_is_called(reference: str | None, name: str) -> None:
    assert named_output(DELFT, DELFT, "grow", reference) == DELFT.replace("Delft", name)


@pytest.mark.parametrize(
    ("given", "name"),
    [("", "None_x"), ('name=""', "_x"), ("name='a &amp; &#x42; &quot;c&quot;'", "a &amp; B &quot;c&quot;_x")],
)
def test_the_name_is_the_inputs(given: str, name: str) -> None:
    assert f'name="{name}"' in named_output(f"<esdl:EnergySystem {ESDL} {given}/>", DELFT, "grow", "x")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            f'<e:EnergySystem id="name=" {ESDL}></e:EnergySystem>',
            f'<e:EnergySystem id="name=" {ESDL} name="Delft_x"></e:EnergySystem>',
        ),
        (
            "<EnergySystem\n  name\n=\n'ä>/ \"old\"'\n  other='1' />",
            "<EnergySystem\n  name\n=\n\"Delft_x\"\n  other='1' />",
        ),
        ("<EnergySystem />", '<EnergySystem name="Delft_x"/>'),
        (
            "<EnergySystem><asset name='kept'/></EnergySystem>",
            "<EnergySystem name=\"Delft_x\"><asset name='kept'/></EnergySystem>",
        ),
        (
            '\ufeff<?xml version="1.0" encoding="UTF-8"?>\r\n<!-- ü <EnergySystem name="comment"/> -->\r\n<EnergySystem x:name="1" xmlns:x="y" name="é"/>\r\n',
            '\ufeff<?xml version="1.0" encoding="UTF-8"?>\r\n<!-- ü <EnergySystem name="comment"/> -->\r\n<EnergySystem x:name="1" xmlns:x="y" name="Delft_x"/>\r\n',
        ),
    ],
)
def test_nothing_but_the_name_is_changed(before: str, after: str) -> None:
    assert named_output(DELFT, before, "grow", "x") == after


@pytest.mark.parametrize(
    ("esdl", "words"),
    [
        ("", "not XML"),
        ("<EnergySystem", "not XML"),
        ("<EnergySystem/><EnergySystem/>", "not XML"),
        ("<EnergySystem><a></EnergySystem>", "not XML"),
        ("<System/>", "no ESDL: its first element is System"),
    ],
)
def test_what_is_no_esdl_is_refused(esdl: str, words: str) -> None:
    with pytest.raises(EsdlError, match=f"the output is {words}"):
        named_output(DELFT, esdl, "grow", None)
    with pytest.raises(EsdlError, match=f"the input is {words}"):
        named_output(esdl, DELFT, "grow", None)
