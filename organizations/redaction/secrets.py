"""Recognizers of keys, passwords and the tokens in addresses. The forms are those that the issuers publish. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from organizations.redaction.findings import Finding

ISSUED = re.compile(
    r"""(?<![A-Za-z0-9])(?:
      -----BEGIN\ (?:[A-Z]{1,12}\ ){0,3}PRIVATE\ KEY-----
        [A-Za-z0-9+/=\s,:.-]{1,16000}?
        -----END\ (?:[A-Z]{1,12}\ ){0,3}PRIVATE\ KEY-----
    | eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}
    | sk-[A-Za-z0-9_-]{20,}
    | (?:sk|pk|rk|whsec|ft)_(?:live_|test_)?[A-Za-z0-9_.-]{24,}
    | gh[pousr]_[A-Za-z0-9]{36,} | github_pat_[A-Za-z0-9_]{22,} | glpat-[A-Za-z0-9_-]{20,}
    | (?:AKIA|ASIA)[0-9A-Z]{16} | AIza[A-Za-z0-9_-]{35} | ya29\.[A-Za-z0-9_-]{20,}
    | xox[abeprs]-[A-Za-z0-9-]{10,} | npm_[A-Za-z0-9]{36} | hf_[A-Za-z0-9]{30,} | pypi-[A-Za-z0-9_-]{50,}
    | SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,} | dop_v1_[a-f0-9]{64} | shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}
    )(?![A-Za-z0-9])""",
    re.VERBOSE,
)
# "password is hunter2!x", "API_KEY=...": what follows counts as a secret when it is no word that people use.
NAMED = re.compile(
    r"\b(?:password|passwd|passphrase|pwd|secret|(?:api|access)[ _-]?key|(?:auth[ _-]?)?token|bearer|authorization)"
    r"[\"']?(?:\s*[:=]\s*|\s+is\s+|\s+)(?:bearer\s+|basic\s+)?[\"']?([^\s\"'<>,;]{8,200})",
    re.IGNORECASE,
)
IN_ADDRESS = re.compile(
    r"[?&#;](?:access_token|id_token|refresh_token|token|auth|key|api_?key|password|passwd|pwd|secret|sig|signature|"
    r"session(?:_?id)?|sid|code|otp|x-amz-signature|x-amz-credential|x-amz-security-token|x-goog-signature)"
    r"=([^\s&#;\"'<>)]{4,2000})",
    re.IGNORECASE,
)
LOGIN_IN_ADDRESS = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://([^\s/:@]{1,100}:[^\s/@]{1,200})@")
RARE_IN_WORDS = "!#$%&*+=?@^~|"


class SecretRecognizer:
    """API keys of known issuers, signed tokens, private keys, and what is called a password or a key in the text."""

    kind = "SECRET"

    def find(self, text: str) -> Iterator[Finding]:
        for match in ISSUED.finditer(text):
            yield Finding(self.kind, match.start(), match.end(), match[0])
        for match in NAMED.finditer(text):
            value = match[1].rstrip(".!?)")
            if _looks_random(value):
                yield Finding(self.kind, match.start(1), match.start(1) + len(value), value)


class UrlTokenRecognizer:
    """The secret part of an address: a login before the machine's name, or the value of a parameter such as `token`."""

    kind = "URL_TOKEN"

    def find(self, text: str) -> Iterator[Finding]:
        for pattern in (LOGIN_IN_ADDRESS, IN_ADDRESS):
            for match in pattern.finditer(text):
                yield Finding(self.kind, match.start(1), match.end(1), match[1])


def _looks_random(value: str) -> bool:
    """Letters with digits or signs inside; not a plain word, a number or a placeholder."""
    letters = any(character.isalpha() for character in value)
    others = any(character.isdigit() or character in RARE_IN_WORDS for character in value)
    return len(value) >= 8 and letters and others and not value.startswith(("http://", "https://", "<", "{", "$"))
