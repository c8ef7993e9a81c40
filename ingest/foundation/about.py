"""Who we are: the one name under which sites and people know us."""

import importlib.metadata

PRODUCT = "qiuzheng"


def product_version() -> str:
    """Return the installed version, "0" when run from an uninstalled tree."""
    try:
        return importlib.metadata.version(PRODUCT)
    except importlib.metadata.PackageNotFoundError:
        return "0"


def default_user_agent() -> str:
    """Return the one honest name that robots.txt and pages both see."""
    return f"{PRODUCT}/{product_version()} (+https://github.com/qiuzheng-answers/qiuzheng)"
