import pytest

from stockade.core.same_origin import crosses_sites


def crosses(
    method: str = "POST", site: str = "", origin: str = "", host: str = "shop.example"
) -> bool:
    return crosses_sites(
        method,
        sec_fetch_site=[site] if site else [],
        origin=[origin] if origin else [],
        host=host,
        trusted=frozenset({"https://partner.example"}),
    )


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "post", "get", "PROPFIND"])
@pytest.mark.parametrize(
    ("site", "origin"),
    [
        ("cross-site", "https://evil.example"),
        ("cross-site", ""),
        ("same-site", "https://blog.shop.example"),
        ("nonsense", ""),
        ("", "https://evil.example"),
        ("", "https://shop.example.evil.example"),
        ("", "https://shop.example:8443"),
        ("", "null"),
        ("", "file://shop.example"),
    ],
)
def test_foreign(method: str, site: str, origin: str) -> None:
    assert crosses(method, site, origin)


@pytest.mark.parametrize(
    ("site", "origin"),
    [
        ("same-origin", "https://shop.example"),
        ("none", ""),
        ("", "https://shop.example"),
        ("", "http://SHOP.example"),
        ("", ""),
        ("cross-site", "https://partner.example"),
    ],
)
def test_ours(site: str, origin: str) -> None:
    assert not crosses("POST", site, origin)


def test_reading_is_free() -> None:
    assert not crosses("GET", "cross-site", "https://evil.example")


def test_repeated_headers_are_no_browsers() -> None:
    for site, origin in ((["same-origin", "cross-site"], []), ([], ["https://shop.example"] * 2)):
        assert crosses_sites("POST", sec_fetch_site=site, origin=origin, host="shop.example")


def test_no_host_no_match() -> None:
    assert crosses("POST", "", "https://", host="")
