"""Prices of AWS."""

from __future__ import annotations

from pricing.catalog.clouds.facts import BillingRule, BurstSurcharge, CloudPrices, PriceSources

AWS = CloudPrices(
    name="aws",
    title="AWS",
    default_region="us-east-1",
    elsewhere=("us-east-2", "us-west-2"),
    places={
        "af-south-1": "South Africa",
        "ap-east-1": "Hong Kong",
        "ap-northeast-1": "Japan",
        "ap-northeast-2": "Korea",
        "ap-south-1": "India",
        "ap-southeast-1": "Singapore",
        "ap-southeast-2": "Australia",
        "ap-southeast-3": "Indonesia",
        "ca-central-1": "Canada",
        "eu-central-1": "Germany",
        "eu-north-1": "Sweden",
        "eu-south-1": "Italy",
        "eu-west-1": "Ireland",
        "eu-west-2": "England",
        "eu-west-3": "France",
        "me-south-1": "the Gulf",
        "sa-east-1": "Brazil",
        "us-east-1": "Virginia",
        "us-east-2": "the Midwest of the USA",
        "us-west-1": "California",
        "us-west-2": "the Northwest of the USA",
    },
    # Per second with a minimum of one minute for each start of a Linux machine:
    # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html
    billing=BillingRule(minimum_s=60, step_s=1),
    free_egress_gb=100,
    disk_priced_per="GB-month",
    # Of gp3; AWS's Linux images fit on it.
    boot_disk_gib=8,
    # By where they are, as Azure names regions there.
    also_named={
        "af-south-1": ("southafricanorth",),
        "ap-east-1": ("eastasia",),
        "ap-northeast-1": ("japaneast",),
        "ap-northeast-2": ("koreacentral",),
        "ap-south-1": ("centralindia",),
        "ap-southeast-1": ("southeastasia",),
        "ap-southeast-2": ("australiaeast",),
        "ap-southeast-3": ("indonesiacentral",),
        "ca-central-1": ("canadacentral",),
        "eu-central-1": ("germanywestcentral", "centraleurope"),
        "eu-north-1": ("swedencentral", "northeurope"),
        "eu-south-1": ("italynorth", "southeurope"),
        "eu-west-1": ("northeurope", "westeurope"),
        "eu-west-2": ("uksouth", "westeurope"),
        "eu-west-3": ("francecentral", "westeurope"),
        "me-south-1": ("uaenorth",),
        "sa-east-1": ("brazilsouth",),
        "us-east-1": ("eastus", "eastus2"),
        "us-east-2": ("centralus", "northcentralus"),
        "us-west-1": ("westus",),
        "us-west-2": ("westus2",),
    },
    sources=PriceSources(prices="aws-price-list", types="ec2-api-types", spot="ec2-api-spot"),
    surcharge=BurstSurcharge(
        # Of T3, T3a and T4g:
        # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-credits-baseline-concepts.html
        credits_per_hour={
            "nano": 6,
            "micro": 12,
            "small": 24,
            "medium": 24,
            "large": 36,
            "xlarge": 96,
            "2xlarge": 192,
        },
        # Linux, the same in every region:
        # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances-unlimited-mode-concepts.html
        usd_micros_per_vcpu_hour={"t3": 50_000, "t3a": 50_000, "t4g": 40_000},
    ),
)
