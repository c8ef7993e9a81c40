"""Company authorities that Chromium accepts: public key pins from a PEM file (RFC 7469, 2.4)."""

import base64
import hashlib
import re
import ssl
from pathlib import Path

MAX_PINNED = 8
"""Certificates of SSL_CERT_FILE that Chromium accepts: a bundle of all the world's has more."""
DER_VERSION_TAG = 0xA0
"""Tag [0], constructed: the version of a certificate (RFC 5280, 4.1)."""

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def read_public_key_pins(path: str) -> list[str]:
    """Return the public key hashes of the authorities in a PEM file, none if there are many.

    Chromium reads no SSL_CERT_FILE, so a company's own authority is accepted by its key: a chain
    that shows one of these keys passes. That is weaker than a signature check, and good for its
    one purpose: a proxy that the user trusts. Other chains get Chromium's full check.
    """
    try:
        blocks = _CERTIFICATE.findall(Path(path).read_text(encoding="ascii", errors="replace"))
        if len(blocks) > MAX_PINNED:
            return []
        return [public_key_pin(ssl.PEM_cert_to_DER_cert(block)) for block in blocks]
    except (OSError, ValueError, IndexError):
        return []  # no such file, or not what it says: pages then fail with an error that names TLS


def public_key_pin(certificate: bytes) -> str:
    """Return base64(SHA-256(SubjectPublicKeyInfo)) of an X.509 certificate in DER (RFC 7469, 2.4).

    Read by hand: the library that could costs 12 MB, and refuses keys of kinds that it does not
    know (SM2).
    """
    [(body, _), *_] = _der_children(certificate, 0)
    fields = _der_children(certificate, body)  # TBSCertificate (RFC 5280, 4.1)
    # Serial, signature, issuer, validity and subject come first, and before them the version,
    # which certificates of version 1 leave out.
    start, end = fields[6 if certificate[fields[0][0]] == DER_VERSION_TAG else 5]
    return base64.b64encode(hashlib.sha256(certificate[start:end]).digest()).decode()


def _der_children(octets: bytes, start: int) -> list[tuple[int, int]]:
    """Return where each element inside the one at `start` begins and ends (X.690, 8.1)."""

    def content_bounds(position: int) -> tuple[int, int]:
        """Return where the content of an element begins and ends."""
        length, begin = octets[position + 1], position + 2
        if length & 0x80:  # the long form: the lower bits count the octets of the length
            begin += length & 0x7F
            length = int.from_bytes(octets[position + 2 : begin])
        return begin, begin + length

    position, end = content_bounds(start)
    children = []
    while position < end:
        children.append((position, content_bounds(position)[1]))
        position = children[-1][1]
    return children
