"""The bucket in which injectors and controller meet: where it is, and whether it can be used."""

from __future__ import annotations

from providers.aws.clients import AwsClients
from providers.aws.objects import S3Objects
from providers.errors import ConfigurationRejectedError
from providers.settings import AWS_BUCKET

ANY_REGION = "us-east-1"
"""It answers for buckets of every region, and names its own by nothing."""
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html
OLD_NAMES = {"EU": "eu-west-1"}
NO_SUCH_BUCKET = "NoSuchBucket"


def open_bucket(clients: AwsClients, bucket: str) -> S3Objects:
    """The objects of a bucket, which is called in its own region.

    Raises:
        ConfigurationRejectedError: There is no such bucket, or it is not ours to use.
    """
    s3 = clients.client("s3", ANY_REGION)
    try:
        answer = clients.call(
            "GetBucketLocation", ANY_REGION, lambda: s3.get_bucket_location(Bucket=bucket)
        )
    except ConfigurationRejectedError as error:
        if error.facts.get("aws_code") != NO_SUCH_BUCKET:
            raise
        raise ConfigurationRejectedError(
            f"there is no bucket {bucket!r}; make it with `aws s3 mb s3://{bucket}`, or name "
            f"another in {AWS_BUCKET}",
            bucket=bucket,
        ) from error
    location = answer["LocationConstraint"] or ANY_REGION
    return S3Objects(clients, OLD_NAMES.get(location, location), bucket)


def check_bucket(objects: S3Objects, nonce: str) -> None:
    """Write, list, read and delete one small object.

    Args:
        objects: Of the bucket.
        nonce: Tells this try from others.

    Raises:
        ConfigurationRejectedError: One of these is not permitted.
    """
    key = f"runs/check-{nonce}/probe"
    objects.put(key, b"may be deleted")
    objects.get(key)
    objects.delete(key)
