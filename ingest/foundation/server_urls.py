"""Addresses of servers as people write them, and the secrets that go there and nowhere else."""

import ipaddress
import re
from urllib.parse import unquote, urlsplit

OLLAMA_PORT = 11434

MIN_SECRET_CHARACTERS = 6
"""Characters. Servers without keys are given words such as "none", which sentences hold, too."""

KNOWN_BY = 8
"""Characters at its beginning that identify a key: a server may quote it cut short."""

_known: set[str] = set()

_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")


def base_url(host: str, *, port: int = OLLAMA_PORT) -> str:
    """Return the URL that an OLLAMA_HOST means: scheme and port may be left out.

    `port`, by default Ollama's own, stands in where both are missing; "https://host" means port
    443. 0.0.0.0 and :: are where servers listen; this machine is where to call them.
    """
    # urlsplit takes "localhost:11434" for a URL of scheme "localhost", so the scheme goes first.
    url = urlsplit(host.strip() if "://" in host else f"http://{host.strip()}")
    name = url.hostname or "127.0.0.1"
    if name in {"0.0.0.0", "::"}:  # noqa: S104  read, not bound
        name = "127.0.0.1"
    name = f"[{name}]" if ":" in name else name
    # As Ollama's own client has it: who writes a scheme means the scheme's port.
    named = url.port or (None if "://" in host else port)
    return f"{url.scheme}://{name}{f':{named}' if named else ''}{url.path.rstrip('/')}"


def is_server_address(host: str) -> bool:
    """Return whether an address as people write it can be called: http(s), a port in range."""
    try:
        url = urlsplit(base_url(host))
    except ValueError:  # of the port or the brackets
        return False
    return url.scheme in {"http", "https"} and not re.search(r"[\s\\<>^|]", url.netloc)


def is_loopback(url: str) -> bool:
    """Return whether the URL's host is this machine by its very name: no proxy is between."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def note_secret(secret: str) -> None:
    """Have `hide_secrets` know a key or a password from now on."""
    if len(secret) >= MIN_SECRET_CHARACTERS:
        _known.add(secret)


def note_password(url: str) -> None:
    """Have `hide_secrets` know the password in an address, if there is one."""
    try:
        password = urlsplit(url).password or ""
    except ValueError:  # no address
        return
    note_secret(password)
    note_secret(unquote(password))


def hide_secrets(text: str) -> str:
    """Return text, such as a server's own words, without the keys and passwords in it."""
    for secret in _known:
        text = text.replace(secret, "…")
        if len(secret) > KNOWN_BY:
            text = re.sub(rf"{re.escape(secret[:KNOWN_BY])}[^\s\"',;]*", "…", text)
    return hide_userinfo(text)


def hide_userinfo(text: str) -> str:
    """Return text without the names and passwords in its addresses: "https://me:pw@host"."""
    return _USERINFO.sub("", text)
