"""How AWS is called: sessions, time-outs, and retries with a bound."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
import botocore.session
from botocore.config import Config

from kernel.clock import Clock
from kernel.near_names import near_names
from providers.aws.api_models import with_shared_models
from providers.aws.errors import translated
from providers.errors import ConfigurationRejectedError
from providers.throttling import while_throttled

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

T = TypeVar("T")

PARTITIONS = ("aws", "aws-us-gov", "aws-cn")
CONFIG = Config(
    connect_timeout=5,
    read_timeout=60,
    # One more try for a lost connection, with the same token; throttling is retried below, where
    # the wait has jitter and the clock is ours.
    retries={"mode": "standard", "total_max_attempts": 2},
)
# Addresses are signed for the bucket's own region, by the signature that every region takes.
S3_CONFIG = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})


class AwsClients:
    """One set of clients per region, made when first needed.

    Args:
        clock: On which waits pass.
        session: Credentials and settings; default: as the AWS command line finds them.
        endpoint_url: Another place that answers as AWS does.
    """

    def __init__(
        self, clock: Clock, *, session: boto3.Session | None = None, endpoint_url: str | None = None
    ) -> None:
        self._clock = clock
        self._session = session
        self._endpoint_url = endpoint_url
        # Another place is on this computer or near it: no proxy leads there, and no bucket has a
        # host name of its own.
        elsewhere = Config(proxies={}, s3={"addressing_style": "path"})
        self._config = CONFIG if endpoint_url is None else CONFIG.merge(elsewhere)
        self._s3_config = S3_CONFIG.merge(self._config)
        self._clients: dict[tuple[str, str], Any] = {}
        # Clients may be shared by threads; the session that makes them may not.
        self._making = threading.Lock()

    def ec2(self, region: str) -> EC2Client:
        """The client of EC2 in a region."""
        client: EC2Client = self.client("ec2", region)
        return client

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - each service has its own type
        """The client of any service in a region.

        Raises:
            ConfigurationRejectedError: If there is no such region, or no such profile.
        """
        with self._making:
            return self._made(service, region)

    def _made(self, service: str, region: str) -> Any:  # noqa: ANN401 - each service has its own type
        if (service, region) not in self._clients:
            with translated("connect", region):
                self._session = self._session or _own_session()
                _check_region(self._session, region)
                self._clients[service, region] = self._session.client(  # type: ignore[call-overload]
                    service,
                    region_name=region,
                    endpoint_url=self._endpoint_url,
                    config=self._s3_config if service == "s3" else self._config,
                )
        return self._clients[service, region]

    def close(self) -> None:
        """Close all connections; the clients that were handed out are of no use any more."""
        with self._making:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def call(self, operation: str, region: str, request: Callable[[], T]) -> T:
        """Send a request, again while AWS throttles, and translate what goes wrong."""

        def once() -> T:
            with translated(operation, region):
                return request()

        return while_throttled(self._clock, once)


def _own_session() -> boto3.Session:
    """Credentials and settings as the AWS command line finds them."""
    return boto3.Session(botocore_session=with_shared_models(botocore.session.get_session()))


def _check_region(session: boto3.Session, region: str) -> None:
    """Refuse a region that does not exist: its address would only time out."""
    regions = [
        name
        for partition in PARTITIONS
        for name in session.get_available_regions("ec2", partition_name=partition)
    ]
    if region not in regions:
        near = ", ".join(near_names(region, regions)) or ", ".join(regions)
        raise ConfigurationRejectedError(
            f"{region!r} is no region of AWS; did you mean {near}?", region=region
        )
