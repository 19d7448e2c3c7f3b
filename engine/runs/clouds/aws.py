"""Runs on the user's own AWS: what they need, and what is looked at before they cost anything."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.clouds.aws import AWS
from engine.load.sliced.driver import SlicedDriver
from engine.runs.clouds.cloud import Cloud
from engine.runs.clouds.contract import launches_to_check
from engine.runs.model.states import Limits, Placement
from engine.runs.record.store import RunStore
from kernel.clock import Clock, SystemClock
from kernel.errors import BadInputError
from providers.findings import Finding, missing
from providers.settings import AWS_BUCKET, AwsSettings

if TYPE_CHECKING:
    from providers.aws import AwsProvider
    from providers.aws.launch_rate import LaunchRates
    from providers.aws.objects import S3Objects

AWS_LIMITS = Limits()
BUCKET_SCHEME = "s3://"


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

    @property
    def limits(self) -> Limits:
        """How long each phase may take: EC2 gives machines, and ends them, at once."""
        return AWS_LIMITS

    @property
    def signed_s_max(self) -> float:
        """As long as S3 signs an address at all."""
        from providers.aws.objects import LIFETIME_S_MAX

        return LIFETIME_S_MAX

    def check_settings(self) -> None:
        """Look for the SDK and the bucket's name."""
        AWS.check_sdk()
        self._bucket()

    def endpoint(self) -> str:
        """The bucket that the settings name, as ``s3://BUCKET``."""
        return f"{BUCKET_SCHEME}{self._bucket()}"

    def open(self, endpoint: str, store: RunStore) -> Cloud:
        """EC2's machines, which play load in slices and meet in the bucket."""
        provider = self.provider()
        objects = self._objects(endpoint.removeprefix(BUCKET_SCHEME))
        return Cloud(provider, SlicedDriver(objects, store.program_bundle), AWS_LIMITS)

    def check(self, placements: Sequence[Placement], *, owner: str, spot: bool) -> None:
        """Look at credentials, network, machine types, quotas and the bucket; costs nothing."""
        self.check_settings()
        from providers.aws.bucket import check_bucket

        provider = self.provider()
        for spec in launches_to_check(placements, self.clock.now(), owner=owner, spot=spot):
            provider.check(spec)
        check_bucket(self._objects(self._bucket()), secrets.token_hex(4))

    def examine(self, regions: Sequence[str]) -> Iterator[Finding]:
        """What stands between the account and a run, one thing after the other."""
        try:
            AWS.check_sdk()
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
            regions or (AWS.prices.default_region,),
            secrets.token_hex(4),
        ).findings()

    def provider(self) -> AwsProvider:
        """EC2's machines, of whichever run."""
        AWS.check_sdk()
        from providers.aws import AwsProvider
        from providers.aws.launch_rate import LaunchRates

        self._rates = self._rates or LaunchRates(self.clock)
        return AwsProvider(self.clock, settings=self.settings, launch_rates=self._rates)

    def policy(self) -> dict[str, Any]:
        """The least IAM policy for runs that meet in the bucket."""
        self.check_settings()
        from providers.aws.policy import policy_document

        return policy_document(self._bucket())

    def _bucket(self) -> str:
        if self.settings.bucket is None:
            raise BadInputError(
                f"{AWS_BUCKET} is not set: a run on AWS needs the name of an S3 bucket of yours, "
                "in which its injectors fetch their work and leave their results; --dry-run "
                "rehearses without one",
                setting=AWS_BUCKET,
            )
        return self.settings.bucket

    def _objects(self, bucket: str) -> S3Objects:
        from providers.aws.bucket import open_bucket
        from providers.aws.clients import AwsClients

        return open_bucket(AwsClients(self.clock), bucket)
