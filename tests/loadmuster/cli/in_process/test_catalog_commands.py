from __future__ import annotations

import pytest

from pricing.catalog.catalog import BUNDLED_FOLDER
from tests.command_line import Command


def test_catalog_show_has_the_machine_its_price_and_its_surroundings(loadmuster: Command) -> None:
    answer = loadmuster(
        "--json", "--now", "2026-11-21", "catalog", "show", "aws", "us-east-1", "c7i.large"
    )
    assert answer.code == 0
    document = answer.json
    assert document["usd_per_hour"] == "0.08925"
    assert (document["vcpus"], document["memory_mib"]) == (2, 4096)
    assert document["billing"] == {"minimum_s": 60, "step_s": 1}
    assert document["surroundings"]["egress"]["usd"] == "0.09"
    assert set(document["sources"]) == {
        "karpenter-aws",
        "aws-public-ipv4",
        "cortex-ebs",
        "cloudprice-egress",
        "aws-nat",
        "sc-inspector",
    }
    assert document["catalog"] == "bundled"
    assert document["warnings"] == [
        "the price of boot disk is of 2022-09-03, older than a year",
    ]


def test_catalog_show_tells_people_what_is_old_or_estimated(loadmuster: Command) -> None:
    shown = loadmuster(
        "--now", "2026-11-21", "catalog", "show", "aws", "ap-southeast-3", "c5.large"
    ).out
    assert "Note: the price of the machine is of 2022-11-22, older than a year" in shown
    assert "Note: the price of boot disk is estimated for ap-southeast-3" in shown
    assert "Note: the price of NAT traffic is estimated for ap-southeast-3" in shown
    assert "estimated: 0.045 to" in shown


def test_catalog_show_tells_a_core_from_a_thread_of_one(loadmuster: Command) -> None:
    shown = " ".join(loadmuster("catalog", "show", "aws", "us-east-1", "c7i.large").out.split())
    assert "a vCPU is 1 of 2 threads; PassMark 2,968 for a thread alone" in shown
    document = loadmuster("--json", "catalog", "show", "aws", "us-east-1", "m8g.large").json
    assert document["core_speed"]["measured_type"] == "c8g.xlarge"
    assert document["core_speed"]["threads_per_core"] == 1
    assert document["core_speed"]["source"] in document["sources"]
    unknown = loadmuster("--json", "catalog", "show", "azure", "eastus", "Standard_D2s_v3").json
    assert unknown["core_speed"] is None


def test_catalog_show_leaves_open_what_is_not_published(loadmuster: Command) -> None:
    shown = loadmuster("catalog", "show", "azure", "westeurope", "Standard_B2s").out
    assert "burstable" in shown
    assert "not published" in shown
    assert "0.005 USD per hour, as of 2026-09-16, estimated" in shown


def test_catalog_list_without_a_choice_lists_the_regions(loadmuster: Command) -> None:
    document = loadmuster("--json", "catalog", "list").json
    assert len(document["regions"]) == len(list(BUNDLED_FOLDER.glob("*/regions/*.csv"))) > 70
    assert document["offerings"] == []
    assert "westeurope" in loadmuster("catalog", "list", "--provider", "azure").out


def test_catalog_list_by_family_and_region(loadmuster: Command) -> None:
    document = loadmuster(
        "--json", "catalog", "list", "--region", "eu-west-1", "--family", "c7i"
    ).json
    assert [each["region"] for each in document["regions"]] == ["eu-west-1"]
    offerings = document["offerings"]
    assert {each["family"] for each in offerings} == {"c7i"}
    assert offerings[0]["instance_type"] == "c7i.large"
    assert "c7i.large" in loadmuster("catalog", "list", "--region", "eu-west-1").out


def test_a_family_alone_lists_every_region_of_its_cloud(loadmuster: Command) -> None:
    document = loadmuster("--json", "catalog", "list", "--family", "c7i").json
    assert {each["provider"] for each in document["offerings"]} == {"aws"}
    assert len(document["regions"]) == 21


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("show", "gcp", "us-east-1", "c7i.large"), "no provider 'gcp'"),
        (("show", "aws", "us-est-1", "c7i.large"), "near it: us-west-1, us-east-1"),
        (("show", "aws", "eastus", "c7i.large"), "it is one of azure"),
        (("show", "aws", "us-east-1", "c7i.lage"), "near it: c7i.large"),
        (("show", "aws", "us-east-1"), "TYPE"),
        (("list", "--provider", "gcp"), "no provider 'gcp'"),
        (("list", "--region", "nowhere"), "no region 'nowhere'"),
        (("list", "--family", "c7"), "no family 'c7'"),
    ],
)
def test_bad_names_are_one_line_and_exit_code_2(
    loadmuster: Command, arguments: tuple[str, ...], problem: str
) -> None:
    answer = loadmuster("--json", "catalog", *arguments)
    assert answer.code == 2
    assert problem in answer.err
    assert answer.err.count("\n") == 1
    assert problem in answer.json["error"]["message"]


def test_a_t_type_says_what_it_costs_with_its_processors_busy(loadmuster: Command) -> None:
    document = loadmuster("--json", "catalog", "show", "aws", "us-east-1", "t3.medium").json
    assert document["usd_per_hour"] == "0.0416"
    assert document["saturated_usd_per_hour"] == "0.1216"
    assert any("2.9 times its list price" in each for each in document["warnings"])
    shown = loadmuster("catalog", "show", "aws", "us-east-1", "t3.medium").out
    assert "load tests therefore never take it" in shown


def test_a_b_size_of_azure_says_that_it_is_throttled(loadmuster: Command) -> None:
    document = loadmuster("--json", "catalog", "show", "azure", "eastus", "Standard_B2s").json
    assert document["saturated_usd_per_hour"] is None
    assert any("throttled to its baseline" in each for each in document["warnings"])


def test_catalog_show_has_the_tiers_of_egress_and_a_nat_gateway_where_known(
    loadmuster: Command,
) -> None:
    document = loadmuster("--json", "catalog", "show", "aws", "us-east-1", "c7i.large").json
    assert [(tier["from_gb"], tier["usd"]) for tier in document["egress_tiers"]] == [
        (0, "0.09"),
        (10_240, "0.085"),
        (51_200, "0.07"),
        (153_600, "0.05"),
    ]
    assert document["surroundings"]["nat_hour"]["usd"] == "0.045"
    elsewhere = loadmuster("--json", "catalog", "show", "aws", "eu-west-1", "c7i.large").json
    assert elsewhere["surroundings"]["nat_gb"]["usd"] == "0.048"
    assert len(elsewhere["egress_tiers"]) == 1
    azure = loadmuster("--json", "catalog", "show", "azure", "japaneast", "Standard_D2s_v5").json
    assert azure["surroundings"]["nat_hour"]["usd"] == "0.045"
    shown = loadmuster("catalog", "show", "aws", "us-east-1", "c7i.large").out
    assert "0.05 USD from 153,600 GB a month on" in shown
