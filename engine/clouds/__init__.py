"""What a cloud is: one module of facts each, and the table that everything reads.

A new cloud is a package in ``providers`` with its adapter and its rehearsal, its figures and
their facts in ``pricing/catalog``, what connects it to runs and to the catalogue, and a row here.
"""

from engine.clouds.facts import CloudFacts, InternetRule, StartUp
from engine.clouds.table import CLOUDS, LOCAL, not_offered, one_cloud_more

__all__ = [
    "CLOUDS",
    "LOCAL",
    "CloudFacts",
    "InternetRule",
    "StartUp",
    "not_offered",
    "one_cloud_more",
]
