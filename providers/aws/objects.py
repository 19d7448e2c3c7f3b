"""Object storage on Amazon S3: one bucket, presigned addresses, POST policies for uploads.

A POST policy is signed for a prefix, so that one ticket serves all injectors of a run, whatever
their machines turn out to be called.
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from providers.aws.clients import AwsClients
from providers.errors import ConfigurationRejectedError
from providers.objects import UploadMethod, UploadTicket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import DeleteTypeDef

MISSING = "NoSuchKey"
UPLOAD_BYTES_MAX = 64 * 2**20
LIST_PAGE = DELETE_BATCH = 1_000
"""The most keys that S3 lists, or deletes, in one call.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
"""

LIFETIME_S_MAX = 7 * 24 * 3_600
"""The longest that a signature of version 4 lives."""


class S3Objects:
    """The objects of one bucket.

    Args:
        clients: How AWS is called.
        region: The bucket's.
        bucket: Its name; it must exist.
    """

    def __init__(self, clients: AwsClients, region: str, bucket: str) -> None:
        self._clients = clients
        self._region = region
        self._bucket = bucket

    @property
    def _s3(self) -> S3Client:
        client: S3Client = self._clients.client("s3", self._region)
        return client

    def put(self, key: str, content: bytes) -> None:
        """PutObject."""
        self._clients.call(
            "PutObject",
            self._region,
            lambda: self._s3.put_object(Bucket=self._bucket, Key=key, Body=content),
        )

    def get(self, key: str) -> bytes | None:
        """GetObject."""
        try:
            return self._clients.call("GetObject", self._region, lambda: self._read(key))
        except ConfigurationRejectedError as error:
            if error.facts.get("aws_code") == MISSING:
                return None
            raise

    def keys(self, prefix: str) -> tuple[str, ...]:
        """ListObjectsV2, page by page; S3 answers in the order of the keys."""
        return self._clients.call("ListObjectsV2", self._region, lambda: self._listed(prefix))

    def delete(self, prefix: str) -> None:
        """DeleteObjects, a thousand at a time."""
        keys = self.keys(prefix)
        for first in range(0, len(keys), DELETE_BATCH):
            batch: DeleteTypeDef = {
                "Objects": [{"Key": key} for key in keys[first : first + DELETE_BATCH]],
                "Quiet": True,
            }
            self._clients.call(
                "DeleteObjects",
                self._region,
                partial(self._s3.delete_objects, Bucket=self._bucket, Delete=batch),
            )

    def download_url(self, key: str, lifetime_s: int) -> str:
        """A presigned GetObject."""
        return self._s3.generate_presigned_url(
            "get_object",
            Params={"Bucket": self._bucket, "Key": key},
            ExpiresIn=min(lifetime_s, LIFETIME_S_MAX),
        )

    def upload_ticket(self, prefix: str, lifetime_s: int) -> UploadTicket:
        """A POST policy for keys that begin with the prefix."""
        answer = self._s3.generate_presigned_post(
            self._bucket,
            f"{prefix}${{filename}}",
            Conditions=[["content-length-range", 0, UPLOAD_BYTES_MAX]],
            ExpiresIn=min(lifetime_s, LIFETIME_S_MAX),
        )
        # The form gives the whole key; the file name on the injector is no part of it.
        fields = tuple((name, value) for name, value in answer["fields"].items() if name != "key")
        return UploadTicket(UploadMethod.POST, answer["url"], prefix, fields)

    def _read(self, key: str) -> bytes:
        return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def _listed(self, prefix: str) -> tuple[str, ...]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, PaginationConfig={"PageSize": LIST_PAGE}
        )
        return tuple(one["Key"] for page in pages for one in page.get("Contents", []))
