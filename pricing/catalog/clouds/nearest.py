"""Which regions of two clouds are near each other."""

from __future__ import annotations

AZURE_NEAR_AWS = {
    "af-south-1": "southafricanorth",
    "ap-east-1": "eastasia",
    "ap-northeast-1": "japaneast",
    "ap-northeast-2": "koreacentral",
    "ap-south-1": "centralindia",
    "ap-southeast-1": "southeastasia",
    "ap-southeast-2": "australiaeast",
    "ap-southeast-3": "indonesiacentral",
    "ca-central-1": "canadacentral",
    "eu-central-1": "germanywestcentral",
    "eu-north-1": "swedencentral",
    "eu-south-1": "italynorth",
    "eu-west-1": "northeurope",
    "eu-west-2": "uksouth",
    "eu-west-3": "francecentral",
    "me-south-1": "uaenorth",
    "sa-east-1": "brazilsouth",
    "us-east-1": "eastus",
    "us-east-2": "northcentralus",
    "us-west-1": "westus",
    "us-west-2": "westus2",
}
AWS_NEAR_AZURE = {azure: aws for aws, azure in AZURE_NEAR_AWS.items()} | {
    "centralus": "us-east-2",
    "eastus2": "us-east-1",
    "westeurope": "eu-central-1",
}
