"""AWS."""

from __future__ import annotations

from engine.clouds.facts import CloudFacts, InternetRule, StartUp
from pricing.catalog import clouds

AWS = CloudFacts(
    prices=clouds.AWS,
    # https://www.daemonology.net/blog/2021-08-12-EC2-boot-time-benchmarking.html (29 s) and
    # https://github.com/scylladb/scylla-cluster-tests/issues/11381 (90 s).
    start_up=StartUp(30, 60, 120),
    # A baseline for both directions, of which at most 5 Gbit/s, or from 32 vCPUs on half, go to
    # the internet: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-network-bandwidth.html
    internet=InternetRule(
        sustained=True, limits_receiving=True, mbps_max=5_000, half_from_vcpus=32
    ),
    one_image_a_launch=False,
    has_spot=True,
    sdk="boto3",
    price_list_needs="boto3",
    settings="providers.environment:aws_settings",
    runs="engine.runs.clouds.aws:AwsRuns",
    rehearsal="providers.rehearsal.aws_cloud:CLOUD",
    shares_rehearsal=True,
    price_list="engine.catalogs.aws:aws_price_list",
)
