"""What stands between an account of AWS and a run there.

Nothing is created but one small object in the bucket, which is deleted again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from kernel.clock import Clock
from kernel.errors import ProviderFailedError
from providers.aws.bucket import check_bucket, open_bucket
from providers.aws.clients import AwsClients
from providers.aws.dry_runs import not_permitted
from providers.aws.errors import PERMISSION_CODES
from providers.aws.launch_template import IMAGE_PARAMETERS, latest_image
from providers.aws.network import check_network
from providers.aws.quota import STANDARD, standing_of
from providers.clock_skew import check_skew
from providers.findings import Finding, Grade, missing
from providers.settings import AWS_BUCKET, AwsSettings

POLICY_HINT = "attach what `loadmuster doctor --policy aws` prints to this user or role"


class Examination(Struct, frozen=True):
    """Looks at one account.

    Attributes:
        clients: How AWS is called.
        clock: The machine's own, which has to agree with AWS's.
        settings: Bucket and network.
        regions: Where runs are wanted.
        nonce: Tells this examination's probe in the bucket from others.
    """

    clients: AwsClients
    clock: Clock
    settings: AwsSettings
    regions: Sequence[str]
    nonce: str

    def findings(self) -> Iterator[Finding]:
        """One after the other; without credentials there is no more to look at."""
        who = _look("credentials", self._identity)
        yield who
        if who.grade is not Grade.OK:
            return
        yield _look("clock", self._skew)
        yield self._bucket()
        for region in self.regions:
            yield _look(f"network {region}", partial(self._network, region))
            yield _look(f"image {region}", partial(self._image, region))
            for spot in (False, True):
                yield self._quota(region, spot=spot)
            yield self._launching(region)

    def _identity(self) -> str:
        answer = self._caller()
        return f"account {answer['Account']}, {answer['Arn']}"

    def _caller(self) -> Any:  # noqa: ANN401 - as boto3 gives it
        region = self.regions[0]
        identity = self.clients.client("sts", region)
        return self.clients.call("GetCallerIdentity", region, identity.get_caller_identity)

    def _skew(self) -> str:
        answer = self._caller()
        date_header = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
        return check_skew("AWS", date_header, self.clock.now())

    def _bucket(self) -> Finding:
        bucket = self.settings.bucket
        if bucket is None:
            return Finding(
                "bucket",
                Grade.MISSING,
                f"{AWS_BUCKET} is not set",
                f"make one with `aws s3 mb s3://NAME` and set {AWS_BUCKET}=NAME",
            )

        def look() -> str:
            check_bucket(open_bucket(self.clients, bucket), self.nonce)
            return f"{bucket}: written, listed, read and deleted an object"

        return _look("bucket", look)

    def _network(self, region: str) -> str:
        free = check_network(self.clients, region, self.settings)
        return f"{free:,} free addresses, a way out, nobody let in"

    def _image(self, region: str) -> str:
        images = [latest_image(self.clients, region, each) for each in IMAGE_PARAMETERS]
        return ", ".join(images)

    def _quota(self, region: str, *, spot: bool) -> Finding:
        what = f"{'spot ' if spot else ''}quota {region}"
        code = STANDARD.code(spot=spot)
        try:
            standing = standing_of(self.clients, region, STANDARD, spot=spot)
        except ProviderFailedError as error:
            return Finding(what, Grade.UNKNOWN, error.message)
        if standing is None:
            return Finding(what, Grade.UNKNOWN, f"Service Quotas does not tell {code}")
        said = f"{standing.used:,} of {standing.limit:,} vCPUs in use"
        if standing.used < standing.limit or spot:
            return Finding(what, Grade.OK, said)
        remedy = f"ask for more under Service Quotas, {code}, or use another region"
        return Finding(what, Grade.MISSING, said, remedy, of_provider=True)

    def _launching(self, region: str) -> Finding:
        what = f"launching {region}"
        try:
            refused = not_permitted(self.clients, region, self.settings, self.clock)
        except ProviderFailedError as error:
            # What is wrong with network or image stands above already.
            return Finding(what, Grade.UNKNOWN, error.message)
        if not refused:
            return Finding(what, Grade.OK, "permitted")
        said = f"{', '.join(refused)} not permitted"
        # Where fleets are forbidden, machines are launched by RunInstances.
        grade = Grade.UNKNOWN if refused == ("CreateFleet",) else Grade.MISSING
        return Finding(what, grade, said, POLICY_HINT, of_provider=True)


def _look(what: str, look: Callable[[], str]) -> Finding:
    """What was seen, or what AWS said instead, split into the finding and what to do."""
    try:
        return Finding(what, Grade.OK, look())
    except ProviderFailedError as error:
        found = replace(missing(what, error), of_provider=True)
        is_forbidden = error.facts.get("aws_code") in PERMISSION_CODES
        return replace(found, remedy=POLICY_HINT) if is_forbidden else found
