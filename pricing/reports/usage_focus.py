"""Usage as FOCUS records: the FinOps Open Cost and Usage Specification, version 1.2.

One record a run and one a purchase. A run is priced as one unit, since it is one charge (R1); its
LI-minutes are the consumed quantity. A run that credits paid for costs no money, as the purchase
of the credits did. Tax is a record of its own, one a charge or correction that has any: the costs
of all records add up to what the cycle charged, tax included.

Source: https://focus.finops.org/focus-specification/v1-2/
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from kernel.words import counted
from pricing.money import format_cents
from pricing.periods import Period
from pricing.reports.usage import CycleUsage, PurchaseRow, RunUse, TaxRow
from pricing.taxes.words import tax_name

PUBLISHER = "loadmuster"
SERVICE = "Load testing"
CREDIT_UNIT = "LI-minutes"

COLUMNS = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingCurrency",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "Tags",
    "x_AsOf",
    "x_Hypothetical",
)
"""Those of the specification that are mandatory, or that say something about a load test.

Those that begin with ``x_`` are our own, as the specification wants it: what instant the books were
seen at, and whether that is another time than the account's.
"""

Record = dict[str, str]


def focus_records(usage: CycleUsage) -> tuple[Record, ...]:
    """Purchases, then runs, then their tax; every record has all ``COLUMNS``, null is empty.

    A charge has the billing period that it belongs to, whatever period is asked for.
    """
    as_of = usage.as_of
    common = dict.fromkeys(COLUMNS, "") | {
        "BillingAccountId": usage.account_id,
        "BillingAccountName": usage.account_id,
        "BillingCurrency": "USD",
        "InvoiceIssuerName": PUBLISHER,
        "PricingCategory": "Standard",
        "PricingQuantity": "1",
        "ProviderName": PUBLISHER,
        "PublisherName": PUBLISHER,
        "ServiceCategory": "Developer Tools",
        "ServiceName": SERVICE,
        "ServiceSubcategory": "Quality Assurance",
        "Tags": "{}",
        "x_AsOf": "" if as_of is None else _utc(as_of.instant),
        "x_Hypothetical": "" if as_of is None else str(as_of.hypothetical).lower(),
    }
    return (
        *(
            common | _billing_period(cycle) | _purchase(each, cycle)
            for each in usage.purchases
            for cycle in (usage.cycle_at(each.at),)
        ),
        *(common | _billing_period(usage.cycle_at(each.at)) | _run(each) for each in usage.runs),
        *(
            common | _billing_period(usage.cycle_at(each.at)) | _tax(each)
            for each in usage.taxes
            if each.tax_usd_micros
        ),
    )


def _billing_period(cycle: Period) -> Record:
    return {"BillingPeriodEnd": _utc(cycle.end), "BillingPeriodStart": _utc(cycle.start)}


def _run(run: RunUse) -> Record:
    is_credit = bool(run.credits_li_minutes)
    paid = str(run.credits_li_minutes) if is_credit else format_cents(run.usd_micros)
    return {
        **_costs(run.usd_micros),
        "ChargeCategory": "Usage",
        "ChargeDescription": (
            f"run {run.run_id}: {counted(run.injectors, 'injector')}, {counted(run.users, 'user')}"
        ),
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodEnd": _utc(_end_of(run)),
        "ChargePeriodStart": _utc(run.at),
        "ConsumedQuantity": str(run.li_minutes),
        "ConsumedUnit": CREDIT_UNIT,
        "PricingCurrency": CREDIT_UNIT if is_credit else "USD",
        "PricingCurrencyContractedUnitPrice": paid,
        "PricingCurrencyEffectiveCost": paid,
        "PricingCurrencyListUnitPrice": paid,
        "PricingUnit": "Runs",
        "ResourceId": run.run_id,
        "ResourceName": run.run_id,
        "ResourceType": "Load test run",
        "SkuId": run.tariff,
        "SkuPriceId": f"{run.tariff}@{run.tariff_version.isoformat()}",
        "SubAccountId": run.department or "",
        "SubAccountName": run.department or "",
        "Tags": json.dumps({"rehearsal": "true"} if run.rehearsal else {}),
    }


def _end_of(run: RunUse) -> datetime:
    """When what was charged ends: as planned, or earlier where the run did; never where it begins.

    FOCUS counts charge periods as half-open.
    """
    planned = run.at + timedelta(seconds=run.duration_s)
    ended_at = planned if run.ended_at is None else min(planned, run.ended_at)
    return max(ended_at, run.at + timedelta(seconds=1))


def _purchase(purchase: PurchaseRow, cycle: Period) -> Record:
    price = format_cents(purchase.usd_micros)
    return {
        **_costs(purchase.usd_micros),
        "ChargeCategory": "Adjustment" if purchase.what == "adjustments" else "Purchase",
        # A refund corrects what was invoiced before.
        "ChargeClass": "Correction" if purchase.what == "refunds" else "",
        "ChargeDescription": purchase.description,
        "ChargeFrequency": "Recurring" if purchase.recurs else "One-Time",
        "ChargePeriodEnd": _utc(cycle.end),
        "ChargePeriodStart": _utc(cycle.start if purchase.recurs else purchase.at),
        "PricingCurrency": "USD",
        "PricingCurrencyContractedUnitPrice": price,
        "PricingCurrencyEffectiveCost": price,
        "PricingCurrencyListUnitPrice": price,
        "PricingUnit": "Months" if purchase.recurs else "Units",
        "SkuId": purchase.what,
        "SkuPriceId": purchase.key,
    }


def _tax(tax: TaxRow) -> Record:
    """Tax has no price, no quantity and no SKU: those are the charge's."""
    cost = format_cents(tax.tax_usd_micros)
    names = ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost")
    return {
        **dict.fromkeys(names, cost),
        "ChargeCategory": "Tax",
        "ChargeDescription": f"{tax_name(tax.taxation)} on {tax.key}",
        "ChargeFrequency": "One-Time",
        "ChargePeriodEnd": _utc(tax.at + timedelta(seconds=1)),
        "ChargePeriodStart": _utc(tax.at),
        "PricingCategory": "",
        "PricingCurrency": "USD",
        "PricingCurrencyEffectiveCost": cost,
        "PricingQuantity": "",
    }


def _costs(usd_micros: int) -> Record:
    """One unit at one price, without discounts: all costs are the same."""
    names = (
        "BilledCost",
        "ContractedCost",
        "ContractedUnitPrice",
        "EffectiveCost",
        "ListCost",
        "ListUnitPrice",
    )
    return dict.fromkeys(names, format_cents(usd_micros))


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
