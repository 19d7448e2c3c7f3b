"""Runs on the user's own AWS: what they need, and what is looked at before they cost anything."""

from __future__ import annotations

import importlib.util
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from engine.load.sliced.driver import SlicedDriver
from engine.runs.clouds import Cloud
from engine.runs.states import Limits, Placement
from engine.runs.store import RunStore
from kernel.clock import Clock, SystemClock
from kernel.errors import BadInputError
from pricing.catalog import DEFAULT_REGION
from providers.contract import LaunchSpec
from providers.findings import Finding, missing
from providers.settings import AWS_BUCKET, AwsSettings

if TYPE_CHECKING:
    from providers.aws import AwsProvider
    from providers.aws.launch_rate import LaunchRates
    from providers.aws.objects import S3Objects

AWS = "aws"
AWS_LIMITS = Limits()
BUCKET_SCHEME = "s3://"
CHECKED_LIFETIME = timedelta(hours=1)
"""Of the machines of a launch that is only looked at; any will do."""


@dataclass(slots=True)
class AwsRuns:
    """Opens the user's own AWS for runs.

    Attributes:
        clock: The clock that the runs live by.
        settings: Bucket and network.
    """

    clock: Clock
    settings: AwsSettings
    _rates: LaunchRates | None = field(default=None)

    def open(self, bucket: str, store: RunStore) -> Cloud:
        """EC2's machines, which play load in slices and meet in the bucket.

        Raises:
            ProviderFailedError: The bucket cannot be reached.
        """
        driver = SlicedDriver(self._objects(bucket), store.program_bundle)
        return Cloud(self.provider(), driver, AWS_LIMITS)

    def bucket(self) -> str:
        """The bucket that the settings name.

        Raises:
            BadInputError: They name none.
        """
        if self.settings.bucket is None:
            raise BadInputError(
                f"{AWS_BUCKET} is not set: a run on AWS needs the name of an S3 bucket of yours, "
                "in which its injectors fetch their work and leave their results; --dry-run "
                "rehearses without one",
                setting=AWS_BUCKET,
            )
        return self.settings.bucket

    def check_settings(self) -> str:
        """The bucket, where all that a run needs on this side is there.

        Raises:
            BadInputError: The SDK or the bucket's name is missing.
        """
        check_sdk()
        return self.bucket()

    def check(self, placements: Sequence[Placement], *, owner: str, spot: bool) -> None:
        """Look at credentials, network, machine types, quotas and the bucket; costs nothing.

        Raises:
            BadInputError: The SDK or the bucket's name is missing.
            ProviderFailedError: A run could not work, or AWS does not answer.
        """
        bucket = self.check_settings()
        from providers.aws.bucket import check_bucket

        provider, now = self.provider(), self.clock.now()
        for placement in placements:
            spec = LaunchSpec(
                run_id="run-check",
                attempt=1,
                token="check",  # noqa: S106 - names a launch that is never sent
                region=placement.region,
                machine_types=placement.machine_types,
                count=placement.count,
                min_count=placement.count,
                created_at=now,
                expires_at=now + CHECKED_LIFETIME,
                owner=owner,
                spot=spot,
            )
            provider.check(spec)
        check_bucket(self._objects(bucket), secrets.token_hex(4))

    def examine(self, regions: Sequence[str]) -> Iterator[Finding]:
        """What stands between the account and a run, one thing after the other."""
        try:
            check_sdk()
        except BadInputError as error:
            yield missing("SDK", error)
            return
        from providers.aws.clients import AwsClients
        from providers.aws.examination import Examination

        yield from Examination(
            AwsClients(self.clock),
            # A test clock says nothing of how far this computer's is off.
            SystemClock(),
            self.settings,
            regions or (DEFAULT_REGION[AWS],),
            secrets.token_hex(4),
        ).findings()

    def provider(self) -> AwsProvider:
        """EC2's machines, of whichever run.

        Raises:
            BadInputError: The SDK is missing.
        """
        check_sdk()
        from providers.aws import AwsProvider
        from providers.aws.launch_rate import LaunchRates

        self._rates = self._rates or LaunchRates(self.clock)
        return AwsProvider(self.clock, settings=self.settings, launch_rates=self._rates)

    def _objects(self, bucket: str) -> S3Objects:
        from providers.aws.bucket import open_bucket
        from providers.aws.clients import AwsClients

        return open_bucket(AwsClients(self.clock), bucket)


def check_sdk() -> None:
    """Look for the SDK of AWS without importing it.

    Raises:
        BadInputError: The message says what to install.
    """
    if importlib.util.find_spec("boto3") is None:
        raise BadInputError(
            "the SDK of AWS is not installed; install it with: pip install 'loadmuster[aws]'"
        )
