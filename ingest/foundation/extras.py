"""The command that installs an extra, from wherever the product itself was installed."""

import functools
import importlib.metadata
import json
import shlex
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ingest.foundation.about import PRODUCT


@functools.cache
def install_command(extra: str) -> str:
    """Return the pip command that adds the optional dependencies named `extra`."""
    try:
        origin = importlib.metadata.distribution(PRODUCT).read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:  # run from a tree that was never installed
        tree = Path(__file__).parents[2]
        origin = json.dumps({"url": tree.as_uri(), "dir_info": {"editable": True}})
    return f"pip install {pip_arguments(extra, origin)}"


def pip_arguments(extra: str, origin: str | None) -> str:
    """Return the arguments of pip install, given the direct_url.json of our distribution (PEP 610).

    `origin` is None when we came from a package index; else a folder, a repository or a file.
    """
    # "pip install qiuzheng[files]" would replace a clone or a fork by the index's release, so the
    # extra is asked of the same origin.
    known = json.loads(origin or "{}")
    url = known.get("url", "")
    if "dir_info" in known:
        folder = url2pathname(urlsplit(url).path)
        editable = "-e " if known["dir_info"].get("editable") else ""
        return editable + shlex.quote(f"{folder}[{extra}]")
    if "vcs_info" in known:
        url = f"{known['vcs_info']['vcs']}+{url}"
    return shlex.quote(f"{PRODUCT}[{extra}]" + (f" @ {url}" if url else ""))
