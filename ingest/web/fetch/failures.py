"""What goes wrong on the wire, said once in our words."""

import ssl

import h2.exceptions
import httpcore

from ingest.errors import FetchError, ProxyUnreachableError, SkipReason
from ingest.foundation.messages import NO_MESSAGE, Message
from ingest.web.fetch.decompression import DamagedBodyError, UnknownEncodingError
from ingest.web.ssrf import proxy_for
from ingest.web.urls import host_of

SHOWN_CHARACTERS = 120

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
"""What one request may raise beside our own errors."""


def translated(url: str, error: Exception, *, step_s: float) -> FetchError:
    """Return one of `WIRE_ERRORS` as ours. `step_s`: seconds that a step on the wire may take."""
    host = host_of(url)
    match error:
        case httpcore.TimeoutException():
            return too_slow(url, step_s)
        case UnknownEncodingError():
            kind = _shown(error)
            return failed(url, "unsupported", Message("packed as {kind}", kind=kind))
        case DamagedBodyError():
            return failed(url, "unreachable", Message("the page arrived damaged"))
        case httpcore.ProtocolError() | h2.exceptions.H2Error():
            detail = _shown(error)
            return failed(
                url,
                "unreachable",
                Message("{host} sends what is not HTTP ({detail})", host=host, detail=detail),
            )
        case httpcore.ConnectError() if (proxy := proxy_for(url)) and _has_no_socket(error):
            return _proxy_unreachable(url, proxy)
        case _:
            return _unreachable(url, host, _shown(error))


def _shown(error: Exception) -> str:
    """Return a library's words in one short line: they may quote what a server sent."""
    words = " ".join(str(error).split()) or type(error).__name__
    return "".join(c if c.isprintable() else "�" for c in words[:SHOWN_CHARACTERS])


def _has_no_socket(error: httpcore.ConnectError) -> bool:
    """Tell whether there is no connection at all, not one over which TLS fails."""
    first = error.__context__  # httpcore's pool raises "from None", which drops the cause alone
    return isinstance(first, OSError) and not isinstance(first, ssl.SSLError)


def _proxy_unreachable(url: str, proxy: str) -> ProxyUnreachableError:
    named = proxy.rpartition("@")[2]  # what stands before @ is a password
    return ProxyUnreachableError(
        Message("the proxy {named} does not answer", named=named),
        url=url,
        reason="unreachable",
        hint=Message(
            "start it, or correct or unset HTTP_PROXY and HTTPS_PROXY; assistant doctor checks it"
        ),
    )


def _unreachable(url: str, host: str, detail: str) -> FetchError:
    if "CERTIFICATE_VERIFY_FAILED" in detail:
        return failed(
            url,
            "unreachable",
            Message("the certificate of {host} is not trusted", host=host),
            hint=Message("behind a company proxy, let SSL_CERT_FILE name its authority"),
        )
    return failed(
        url, "unreachable", Message("{host} cannot be reached ({detail})", host=host, detail=detail)
    )


def too_slow(url: str, seconds: float) -> FetchError:
    """Return the error of a page that takes longer than it may."""
    return failed(url, "timeout", Message("no answer within {seconds:g} s", seconds=seconds))


def failed(
    url: str, reason: SkipReason, message: Message, *, hint: Message = NO_MESSAGE
) -> FetchError:
    """Return the error of a page that cannot be downloaded."""
    return FetchError(message, url=url, reason=reason, hint=hint)
