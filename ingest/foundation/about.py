"""The product's name, its version, and the user agent made of them."""

import importlib.metadata

PRODUCT = "qiuzheng"


def product_version() -> str:
    """Return the installed version, "0" when run from an uninstalled tree."""
    try:
        return importlib.metadata.version(PRODUCT)
    except importlib.metadata.PackageNotFoundError:
        return "0"


def default_user_agent() -> str:
    """Return the user agent for robots.txt and pages alike: name, version, and whom to write to."""
    return f"{PRODUCT}/{product_version()} (+https://github.com/qiuzheng-answers/qiuzheng)"
