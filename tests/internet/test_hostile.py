"""The hostile sites are there, and as hostile as they claim."""

import ssl
import zlib

import httpx
import pytest

from tests.internet import hostile
from tests.internet.net import Internet


def test_there_are_at_least_forty_hostile_sites_and_each_has_a_host_of_its_own() -> None:
    places = hostile.install(Internet())
    assert len(set(places.values())) == len(places) >= 40


def test_bombs_are_a_hundred_times_smaller_on_the_wire() -> None:
    assert len(hostile.packed_zeros(4, window=31)) * 100 < 4 * hostile.MEBIBYTE
    assert len(hostile.word_bomb(4)) * 100 < 4 * hostile.MEBIBYTE
    packed = hostile.pdf_bomb(4)
    start = packed.index(b"stream\n") + len(b"stream\n")
    assert len(zlib.decompress(packed[start : packed.index(b"\nendstream")])) > len(packed) * 100


def test_chain_and_cookies_redirect_for_as_long_as_they_are_followed() -> None:
    net = Internet()
    places = hostile.install(net)
    with net.serve():
        trust = ssl.create_default_context(cafile=net.ca_pem)
        with httpx.Client(proxy=net.proxy, verify=trust, timeout=5, trust_env=False) as web:
            for name in ("chain", "cookies"):
                with pytest.raises(httpx.TooManyRedirects):
                    web.get(places[name], follow_redirects=True)
            assert len(net.hits("chain.test")) == len(set(net.hits("chain.test")))
            assert web.get(f"{places['chain']}robots.txt").status_code == 404
    assert net.refused == []
