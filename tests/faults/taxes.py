"""Tax, the parties of invoices, and the invoices of what is not paid."""

from __future__ import annotations

from tests.faults.fault import Fault

SERVICE = "tests/pricing/taxes/test_tax_service.py"
CHARGES = "tests/pricing/taxes/test_taxed_charges.py"
PARTIES = "tests/pricing/parties/test_parties.py"
UNPAID = "tests/pricing/subscriptions/test_unpaid_invoices.py"

FAULTS = (
    Fault(
        "tax is rounded down",
        "pricing/taxes/model.py",
        "divide_half_up(abs(net_usd_micros) * self.rate_ppm, PPM * MICROS_PER_CENT)",
        "(abs(net_usd_micros) * self.rate_ppm // (PPM * MICROS_PER_CENT))",
        (SERVICE,),
        "rounded",
    ),
    Fault(
        "a business at home owes its tax itself",
        "pricing/taxes/table.py",
        "if country != question.seller_country and _is_business(",
        "if _is_business(",
        (SERVICE,),
        "taxed_by",
    ),
    Fault(
        "a new rate counts from the day after",
        "pricing/taxes/table.py",
        "if first_day <= day]",
        "if first_day < day]",
        (SERVICE,),
        "taxed_by",
    ),
    Fault(
        "a correction is taxed by itself, whatever its charge was",
        "pricing/ledger/taxed.py",
        "tax = kept - before.tax_usd_micros",
        "tax = taxation.tax_on(net_usd_micros)",
        (CHARGES,),
        "corrected",
    ),
    Fault(
        "the tax of a price is worked out again when it is paid late",
        "pricing/ledger/taxed.py",
        "    if agreed is not None:\n        return _line(agreed)\n",
        "",
        (CHARGES,),
        "unpaid_period",
    ),
    Fault(
        "what undoes a charge keeps its tax",
        "pricing/ledger/taxed.py",
        '"tax_usd_micros": -line.tax_usd_micros,',
        '"tax_usd_micros": line.tax_usd_micros,',
        (CHARGES,),
        "undone",
    ),
    Fault(
        "check digits of tax ids are not looked at",
        "pricing/parties/vat_ids.py",
        "found = compact(bare)",
        "found = bare",
        (PARTIES,),
        "refused",
    ),
    Fault(
        "a customer's details outlive the account",
        "pricing/accounts/deletions.py",
        "    forget_billing_details(conn, account_id)\n",
        "",
        (PARTIES,),
        "go_with",
    ),
    Fault(
        "a seller counts before its day",
        "pricing/parties/sellers.py",
        '.where(SELLERS.c.in_force_from <= bindparam("at"))',
        '.where(bindparam("at") == bindparam("at"))',
        (PARTIES,),
        "versions",
    ),
    Fault(
        "the invoice of what is given up stays",
        "pricing/subscriptions/subscriptions.py",
        "        take_back_unpaid(conn, subscription.cause_of(n), at=at)\n",
        "",
        (UNPAID,),
        "given_up",
    ),
)
