"""Recognizers of data that has a form of its own: addresses and account numbers. Checksums decide where there are any.

Sources: ISO 13616 (IBAN, lengths by country), ISO/IEC 7812-1 annex B (Luhn), RFC 5321 (sizes of e-mail addresses),
SSA POMS RM 10201.035 (numbers that are never issued). Pure.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator

from organizations.redaction.findings import Finding

EMAIL = re.compile(
    r"(?<![\w.+-])[\w.!#$%&'*+/=?^`{|}~-]{1,64}"
    r"(?:@|\s?[\[(](?:at|AT)[\])]\s?)"
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?(?:\.|\s?[\[(](?:dot|DOT)[\])]\s?)){1,8}[^\W\d_]{2,24}(?![\w-])"
)
CARD = re.compile(r"(?<![\d.,-])\d(?:[ -]?\d){12,18}(?![\d])(?![.,-]\d)")
CARD_BEGINNINGS = ("2", "3", "4", "5", "6")
IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}")
_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 "
    "ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 "
    "LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 "
    "PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 "
    "YE30"
)
IBAN_LENGTHS = {entry[:2]: int(entry[2:]) for entry in _LENGTHS.split()}
IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w])(?!\.\d)")
IPV6 = re.compile(
    r"(?<![\w:.])(?=[0-9A-Fa-f:.]*\d)[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}(?![\w:])"
)
VERSION_BEFORE = re.compile(r"(?:\bv|\bver(?:sion)?\.?\s|\brelease\s|\bbuild\s)\s*$", re.IGNORECASE)
SSN = re.compile(r"(?<![\d-])(?!000|666|9)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?![\d-])")


class EmailRecognizer:
    """E-mail addresses, also written "name (at) example (dot) org"."""

    kind = "EMAIL"

    def find(self, text: str) -> Iterator[Finding]:
        for match in EMAIL.finditer(text):
            yield Finding(self.kind, match.start(), match.end(), _plain_email(match[0]))


class CardRecognizer:
    """Payment card numbers of 13 to 19 digits whose check digit is right."""

    kind = "CARD"

    def find(self, text: str) -> Iterator[Finding]:
        for match in CARD.finditer(text):
            digits = re.sub(r"\D", "", match[0])
            if digits.startswith(CARD_BEGINNINGS) and len(set(digits)) > 1 and passes_luhn(digits):
                yield Finding(self.kind, match.start(), match.end(), digits)


class IbanRecognizer:
    """International bank account numbers whose check digits are right."""

    kind = "IBAN"

    def find(self, text: str) -> Iterator[Finding]:
        for match in IBAN.finditer(text):
            length = IBAN_LENGTHS.get(match[0][:2].upper())
            end = _end_of_characters(match[0], length) if length else None
            account = re.sub(r"[ -]", "", match[0][:end]).upper() if end else ""
            follows = text[match.start() + end : match.start() + end + 1] if end else ""
            if end and not follows.isalnum() and passes_mod_97(account):
                yield Finding(self.kind, match.start(), match.start() + end, account)


class IpRecognizer:
    """Addresses of machines, version 4 and 6; those that mean no machine in particular are left (127.0.0.1, ::)."""

    kind = "IP"

    def find(self, text: str) -> Iterator[Finding]:
        for pattern in (IPV4, IPV6):
            for match in pattern.finditer(text):
                address = _address(match[0])
                if address is not None and not VERSION_BEFORE.search(text, max(0, match.start() - 12), match.start()):
                    yield Finding(self.kind, match.start(), match.end(), str(address))


class SsnRecognizer:
    """Social security numbers of the United States, with their separators."""

    kind = "SSN"

    def find(self, text: str) -> Iterator[Finding]:
        for match in SSN.finditer(text):
            yield Finding(self.kind, match.start(), match.end(), re.sub(r"\D", "", match[0]))


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others."""
    doubled = [int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def passes_mod_97(account: str) -> bool:
    """Whether the check digits of an IBAN (letters and digits, no spaces) are right."""
    moved = account[4:] + account[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def _end_of_characters(text: str, count: int) -> int | None:
    """Where the first `count` letters and digits end; None when there are fewer."""
    seen = 0
    for index, character in enumerate(text):
        seen += character.isalnum()
        if seen == count:
            return index + 1
    return None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if address.is_loopback or address.is_unspecified or address.is_multicast else address


def _plain_email(text: str) -> str:
    spelled: list[tuple[str, Callable[[re.Match[str]], str]]] = [
        (r"\s?[\[(]at[\])]\s?", lambda _: "@"),
        (r"\s?[\[(]dot[\])]\s?", lambda _: "."),
    ]
    for pattern, sign in spelled:
        text = re.sub(pattern, sign, text, flags=re.IGNORECASE)
    return text.lower()
