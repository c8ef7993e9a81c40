"""Errors of fetching: ours, and what the libraries on the wire raise mapped to them once."""

import ssl

import h2.exceptions
import httpcore

from ingest.errors import FetchError, ProxyUnreachableError, SkipReason
from ingest.foundation.messages import NO_MESSAGE, Message
from ingest.web.fetch.decompression import DamagedBodyError, UnknownEncodingError
from ingest.web.ssrf import proxy_for
from ingest.web.urls import host_of

SHOWN_CHARACTERS = 120
"""Characters shown of a server's text in a message."""

WIRE_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    h2.exceptions.H2Error,  # httpcore lets some of a damaged stream through
    DamagedBodyError,
    UnknownEncodingError,
    OSError,  # and TLS's, once the connection stands
)
"""What one request may raise besides our own errors."""


def map_wire_error(url: str, error: Exception, *, step_s: float) -> FetchError:
    """Return one of `WIRE_ERRORS` as ours. `step_s`: seconds that a step on the wire may take."""
    host = host_of(url)
    # A library's text may quote what a server sent: one short line of printable characters.
    text = " ".join(str(error).split()) or type(error).__name__
    detail = "".join(c if c.isprintable() else "�" for c in text[:SHOWN_CHARACTERS])
    # Not __cause__: httpcore's pool raises "from None", which drops the cause but no context.
    origin = error.__context__
    has_socket = isinstance(origin, ssl.SSLError) or not isinstance(origin, OSError)
    match error:
        case httpcore.TimeoutException():
            return too_slow(url, step_s)
        case UnknownEncodingError():
            return lost(url, "unsupported", Message("packed as {kind}", kind=detail))
        case DamagedBodyError():
            return lost(url, "unreachable", Message("the page arrived damaged"))
        case httpcore.ProtocolError() | h2.exceptions.H2Error():
            message = Message("{host} sends what is not HTTP ({detail})", host=host, detail=detail)
            return lost(url, "unreachable", message)
        case httpcore.ConnectError() if not has_socket and (proxy := proxy_for(url)):
            proxy_name = proxy.rpartition("@")[2]  # what is before @ is a password
            return ProxyUnreachableError(
                Message("the proxy {named} does not answer", named=proxy_name),
                url=url,
                reason="unreachable",
                hint=Message(
                    "start it, or correct or unset HTTP_PROXY and HTTPS_PROXY; assistant doctor "
                    "checks it"
                ),
            )
        case _ if "CERTIFICATE_VERIFY_FAILED" in detail:
            return failed(
                url,
                "unreachable",
                Message("the certificate of {host} is not trusted", host=host),
                hint=Message("behind a company proxy, let SSL_CERT_FILE name its authority"),
            )
        case _:
            message = Message("{host} cannot be reached ({detail})", host=host, detail=detail)
            return failed(url, "unreachable", message)


def too_slow(url: str, seconds: float) -> FetchError:
    """Return the error of a page that takes longer than `seconds`."""
    return failed(url, "timeout", Message("no answer within {seconds:g} s", seconds=seconds))


def failed(
    url: str, reason: SkipReason, message: Message, *, hint: Message = NO_MESSAGE
) -> FetchError:
    """Return the error of a page that cannot be downloaded."""
    return FetchError(message, url=url, reason=reason, hint=hint)


def lost(url: str, reason: SkipReason, message: Message) -> FetchError:
    """Return the error of a page that has come, but not in a form that we can read."""
    error = failed(url, reason, message)
    error.browser_may_help = True
    return error
