"""An invoice as one HTML page that can be sent, read anywhere and printed: nothing is loaded."""

from __future__ import annotations

from html import escape
from zoneinfo import ZoneInfo

from msgspec import Struct

from pricing.ledger.invoices import Invoice, InvoiceLine
from pricing.money import format_usd

DEFAULT_SELLER = "loadmuster"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Invoice {number}</title>
<style>
:root {{ --ink: #1c2430; --soft: #5b6675; --rule: #d9dee5; --tint: #f5f7fa; }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--tint); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }}
main {{ max-width: 50rem; margin: 2rem auto; padding: 3rem; background: #fff;
  border: 1px solid var(--rule); border-radius: 6px; }}
header {{ display: flex; flex-wrap: wrap; justify-content: space-between; gap: 1.5rem; }}
h1 {{ margin: 0 0 .25rem; font-size: 1.9rem; font-weight: 600; letter-spacing: -.01em; }}
.number, dt, th, .cause, footer {{ color: var(--soft); }}
.party {{ white-space: pre-line; overflow-wrap: anywhere; }}
.party strong {{ display: block; }}
dl {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1rem;
  margin: 2.5rem 0; }}
dt {{ font-size: .8rem; }}
dd {{ margin: 0; }}
table {{ width: 100%; border-collapse: collapse; }}
th {{ font-weight: 500; font-size: .8rem; text-align: left; border-bottom: 2px solid var(--ink); }}
th, td {{ padding: .6rem .5rem; vertical-align: top; }}
tbody tr {{ border-bottom: 1px solid var(--rule); break-inside: avoid; }}
.position {{ width: 2.5rem; color: var(--soft); }}
.amount {{ text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }}
td {{ overflow-wrap: anywhere; }}
.cause {{ display: block; font-size: .8rem; }}
tfoot td {{ padding-top: 1rem; font-size: 1.15rem; font-weight: 600; }}
footer {{ margin-top: 2.5rem; font-size: .8rem; }}
@media (max-width: 40rem) {{ main {{ margin: 0; padding: 1.5rem; border: 0; }} }}
@media print {{ body {{ background: #fff; }}
  main {{ margin: 0; padding: 0; border: 0; max-width: none; }} @page {{ margin: 2cm; }} }}
</style>
</head>
<body>
<main>
<header>
<div><h1>Invoice</h1><div class="number">{number}</div></div>
<div class="party">{seller}</div>
</header>
<dl>
<div><dt>For</dt><dd class="party">{customer}</dd></div>
<div><dt>Account</dt><dd>{account}</dd></div>
<div><dt>Issued</dt><dd><time datetime="{issued_at}">{issued_on}</time></dd></div>
<div><dt>Currency</dt><dd>US dollars</dd></div>
</dl>
<table>
<thead>
<tr><th class="position">No.</th><th>Description</th><th class="amount">USD</th></tr>
</thead>
<tbody>
{lines}
</tbody>
<tfoot>
<tr><td></td><td>Total</td><td class="amount">{total}</td></tr>
</tfoot>
</table>
<footer>The small print under a line is its entry in the ledger of the account.
No tax is included.</footer>
</main>
</body>
</html>
"""

_LINE = (
    '<tr><td class="position">{position}</td>'
    '<td>{description}<span class="cause">{cause}</span></td>'
    '<td class="amount">{usd}</td></tr>'
)


class Parties(Struct, frozen=True):
    """Who sends the invoice to whom: names with addresses, on as many lines as they need.

    Attributes:
        seller: Who sends it.
        customer: Whom it is for; None: the account's id says enough.
    """

    seller: str = DEFAULT_SELLER
    customer: str | None = None


def invoice_page(invoice: Invoice, timezone: str, parties: Parties | None = None) -> str:
    """The page. All text is escaped, whatever it holds.

    Args:
        invoice: What to show.
        timezone: The account's; decides the day of issue.
        parties: Who is named on it.
    """
    parties = parties or Parties()
    issued_at = invoice.issued_at.astimezone(ZoneInfo(timezone))
    return _PAGE.format(
        number=escape(invoice.number),
        seller=_party(parties.seller),
        customer=_party(parties.customer or invoice.account_id),
        account=escape(invoice.account_id),
        issued_at=issued_at.isoformat(timespec="seconds"),
        issued_on=f"{issued_at.day} {issued_at:%B %Y}",
        lines="\n".join(_line(number, line) for number, line in enumerate(invoice.lines, start=1)),
        total=format_usd(invoice.usd_micros),
    )


def _party(text: str) -> str:
    """The name in bold, the address below it."""
    name, _, address = text.strip().partition("\n")
    return f"<strong>{escape(name)}</strong>{escape(address)}"


def _line(position: int, line: InvoiceLine) -> str:
    return _LINE.format(
        position=position,
        description=escape(line.description),
        cause=escape(line.cause),
        usd=format_usd(line.usd_micros),
    )
