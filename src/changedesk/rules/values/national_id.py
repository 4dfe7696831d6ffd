"""Numbers that states give to people, by python-stdnum."""

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any, Final

from changedesk.base.json import Value
from changedesk.rules.values.address import countries
from changedesk.rules.values.given import Given
from changedesk.rules.values.text import checked, compact, last

_FORMATS: Final[Mapping[str, tuple[str, ...]]] = {
    "US": ("us.ssn", "us.itin"), "DE": ("de.idnr",), "FR": ("fr.nir",), "ES": ("es.dni", "es.nie"),
    "IT": ("it.codicefiscale",), "NL": ("nl.bsn",), "BE": ("be.nn", "be.bis"), "SE": ("se.personnummer",),
    "NO": ("no.fodselsnummer",), "DK": ("dk.cpr",), "FI": ("fi.hetu",), "PL": ("pl.pesel",),
    "IN": ("in_.aadhaar", "in_.pan", "in_.vid", "in_.epic"), "BR": ("br.cpf",), "MX": ("mx.curp",), "CA": ("ca.sin",),
    "AU": ("au.tfn",), "CN": ("cn.ric",), "ZA": ("za.idnr",), "TR": ("tr.tckimlik",), "KR": ("kr.rrn",),
    "AT": ("at.vnr",), "CH": ("ch.ssn",), "IE": ("ie.pps",), "PT": ("pt.cc", "pt.nif"),
    "RO": ("ro.cnp",), "BG": ("bg.egn", "bg.pnf"),
    "CZ": ("cz.rc",), "SK": ("sk.rc",), "EE": ("ee.ik",), "LT": ("lt.asmens",), "HR": ("hr.oib",),
    "SI": ("si.emso",), "GR": ("gr.amka",), "CL": ("cl.rut",), "AR": ("ar.dni",), "PE": ("pe.cui",),
    "EC": ("ec.ci",), "IL": ("il.idnr",), "TH": ("th.pin",), "MY": ("my.nric",), "ID": ("id.nik",),
    "PK": ("pk.cnic",), "IS": ("is_.kennitala",), "UA": ("ua.rntrc",), "DO": ("do.cedula",), "VE": ("ve.rif",),
    "CU": ("cu.ni",), "JP": ("jp.in_",), "MU": ("mu.nid",), "CR": ("cr.cpf",),
}  # fmt: skip
_ANY: Final = re.compile(r"(?=.*\d)[0-9A-Z]{4,30}")
"""Where no check is known: letters and digits, at least one digit."""


@lru_cache(maxsize=64)
def _formats(country: str) -> tuple[Any, ...]:
    # Imported when first asked for: all of them at once would slow every start.
    return tuple(import_module(f"stdnum.{name}") for name in _FORMATS.get(country, ()))


def normalise_national_id(raw: object, given: Given) -> Value:
    """Return ``{"country", "number"}``, the number without separators and with its check digits proved."""
    parts: Mapping[Any, Any] = raw if isinstance(raw, Mapping) else {"number": raw}
    if not set(parts) <= {"country", "number"} or "number" not in parts:
        raise given.bad("type")
    country = countries().get(checked(parts.get("country", given.region), given).casefold())
    if country is None:
        raise given.bad("id_country", "country")
    text = checked(parts["number"], given, numbers=True).upper()
    formats = _formats(country)
    for item in formats:
        if item.is_valid(text):
            return {"country": country, "number": str(item.compact(text))}
    number = compact(text)
    if (formats and not given.lenient) or not _ANY.fullmatch(number):
        raise given.bad("id_invalid", "number")
    return {"country": country, "number": number}


def mask_national_id(value: Mapping[str, str]) -> str:
    return last(value["number"], 2)


def display_national_id(value: Mapping[str, str]) -> str:
    return f"{value['number']} ({value['country']})"
