"""The awkward pages are as awkward as they claim."""

import ssl
import zlib

import httpx
import pytest

from tests.internet import weird
from tests.internet.net import Internet


def test_every_awkward_page_is_there_and_keeps_its_promise() -> None:
    net = Internet()
    places = weird.install(net, bomb_mebibytes=2, huge_mebibytes=1)
    with net.serve():
        trust = ssl.create_default_context(cafile=net.ca_pem)
        with httpx.Client(proxy=net.proxy, verify=trust, timeout=5, trust_env=False) as web:
            for name in ("gbk-header", "gbk-meta", "gbk-undeclared", "gbk-lies"):
                assert weird.LAW_ZH in web.get(places[name]).content.decode("gbk")
            assert weird.LAW_BIG5 in web.get(places["big5"]).content.decode("big5")
            assert len(web.get(places["huge"]).content) > weird.MEBIBYTE - 100
            assert web.get(places["robots-forbid"] + "robots.txt").text.endswith("Disallow: /\n")
            assert web.get(places["robots-500"] + "robots.txt").status_code == 500
            with pytest.raises(httpx.DecodingError):
                web.get(places["broken-gzip"])
            with pytest.raises(httpx.RemoteProtocolError):
                web.get(places["garbage"])
            with pytest.raises(httpx.TooManyRedirects):
                web.get(places["loop"], follow_redirects=True)
            with pytest.raises(httpx.ConnectError, match="certificate"):
                web.get(places["bad-tls"])
    assert net.refused == []


def test_the_bomb_is_a_thousand_times_smaller_on_the_wire() -> None:
    packed = weird.bomb(4)
    assert len(packed) * 500 < len(zlib.decompress(packed, 31)) == 4 * weird.MEBIBYTE
