"""Lets moto come up in a third of its time, and answer in two thirds.

While it is imported, moto reads the descriptions of AWS's APIs three times, by a session each, and
dozens of its own tables. Both are JSON, which msgspec decodes in a tenth of the time. With every
call, it looks up anew what never changes: the service behind a host, and a service's actions.
"""

from __future__ import annotations

import gzip
import os
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import botocore.session
import moto.utilities.utils
import msgspec

from providers.aws.api_models import shared_loader

if TYPE_CHECKING:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication


def quicken_moto() -> None:
    """Prepare moto's import, before it happens; what was imported before stays as it is."""
    # Loading every public image would take seconds; the machine room makes those that are used.
    os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    botocore.session.create_loader = shared_loader
    moto.utilities.utils.load_resource = _table


def quicken_calls(application: DomainDispatcherApplication) -> DomainDispatcherApplication:
    """The same application, which remembers what it has looked up."""
    from moto.core import responses

    looked_up: Any = responses
    if not hasattr(looked_up.method_names_from_class, "cache_info"):
        looked_up.method_names_from_class = cache(looked_up.method_names_from_class)
    remembering: Any = application
    remembering.get_backend_for_host = cache(application.get_backend_for_host)
    return application


def _table(resource: str) -> Any:  # noqa: ANN401 - whatever JSON there is
    """One of moto's tables, which most of the time is compressed."""
    folder = resources.files("moto")
    packed = folder / (resource if resource.endswith(".gz") else f"{resource}.gz")
    content = gzip.decompress(packed.read_bytes()) if packed.is_file() else None
    return msgspec.json.decode((folder / resource).read_bytes() if content is None else content)
