"""The stories that the READMEs of the money folders tell, as rows of the tables there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from engine.database import transaction
from pricing.accounts.advance import advance
from pricing.accounts.on_demand import to_on_demand, undo
from pricing.accounts.opening import open_account
from pricing.accounts.overdue import pay, set_card
from pricing.accounts.plan_changes import downgrade, upgrade
from pricing.catalog import Catalog
from pricing.departments.commands import add_department, allocate, limit_wallet
from pricing.ledger.ledger import entries
from pricing.money import MICROS_PER_USD, format_usd
from pricing.payments.gateway import DECLINES, REHEARSED_GATEWAY
from pricing.plans.model import Plan
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.plans.quotes import Quote, Unit, kept_use_after_cancel, quote_run
from pricing.reports.usage import Total
from pricing.reports.usage_records import usage_of_cycle
from pricing.run_charges.charges import charge_start, correct, reserve
from pricing.tariffs import LoadSize, load_tariff, price

Row = tuple[str, ...]

ZONE = ZoneInfo("Europe/Paris")
PLANS = load_plans(BUNDLED_PLANS)
POSTINGS: Row = ("When", "What", "Ledger account", "USD", "LI-minutes")


class Story:
    """One account, dealt with at instants of its own zone: "2027-01-25 10:15", or a day's first."""

    def __init__(self, db: Engine, plan: str, at: str, *, card: str | None = None) -> None:
        self.db = db
        self.requests = 0
        with transaction(db) as conn:
            open_account(
                conn,
                "acme",
                PLANS[plan],
                timezone=str(ZONE),
                now=instant(at),
                card=card,
                gateway=REHEARSED_GATEWAY,
            )

    def do(self, at: str, command: Callable[..., object], *content: object) -> None:
        """Send a command of the account."""
        self.requests += 1
        with transaction(self.db) as conn:
            command(
                conn,
                "acme",
                *content,
                now=instant(at),
                request_id=f"r{self.requests}",
                gateway=REHEARSED_GATEWAY,
            )

    def run(self, at: str, run_id: str, plan: str, minutes: int, department: str = "") -> Quote:
        """Run a load of 10 injectors and 1,000 users; what it was charged by."""
        with transaction(self.db) as conn:
            reserved = reserve(
                conn,
                "acme",
                run_id,
                quote(PLANS[plan], minutes),
                department=department or None,
                on_demand=quote(PLANS["on-demand"], minutes),
                now=instant(at),
                gateway=REHEARSED_GATEWAY,
            )
            charge_start(conn, run_id, now=instant(at), gateway=REHEARSED_GATEWAY)
        self.wait(at)
        return reserved.quote

    def cancel(self, at: str, run_id: str, quoted: Quote) -> None:
        """Have a run that was cancelled after 20 minutes of load pay for those alone."""
        with transaction(self.db) as conn:
            correct(
                conn,
                run_id,
                keep_startup=quoted.startup,
                keep_use=kept_use_after_cancel(quoted, 20 * 60),
                reason="cancelled after 20 minutes",
                now=instant(at),
                gateway=REHEARSED_GATEWAY,
            )

    def wait(self, at: str) -> None:
        """Let everything happen that is due by then."""
        with transaction(self.db) as conn:
            advance(conn, "acme", instant(at), gateway=REHEARSED_GATEWAY)

    def postings(self) -> Iterator[Row]:
        """Every posting in the order of the books; when and what stand in a transaction's first."""
        with self.db.connect() as conn:
            for entry in entries(conn, "acme"):
                at = f"{entry.effective_at.astimezone(ZONE):%Y-%m-%d %H:%M}"
                shown = (at, entry.description)
                for posting in entry.postings:
                    in_usd = posting.unit is Unit.USD
                    amount = format_usd(posting.amount) if in_usd else f"{posting.amount:,}"
                    name = f"`{posting.ledger_account}`"
                    yield (*shown, name, *((amount, "") if in_usd else ("", amount)))
                    shown = ("", "")


def instant(text: str) -> datetime:
    """An instant of the account's zone."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def quote(plan: Plan, minutes: int) -> Quote:
    """The run of every story on a plan."""
    return quote_run(plan, LoadSize(injectors=10, users=1_000, duration_s=60 * minutes))


def ledger(db: Engine) -> list[Row]:
    """Starter is bought, a run charged and cancelled, the plan upgraded, and credits lapse."""
    story = Story(db, "starter", "2027-01-25 10:15")
    quoted = story.run("2027-01-26 09:00", "r1", "starter", 60)
    story.cancel("2027-01-26 09:20", "r1", quoted)
    story.do("2027-02-01 12:00", upgrade, PLANS["professional"])
    story.do("2027-02-10 12:00", to_on_demand, PLANS["on-demand"])
    story.wait("2027-02-25")
    return [POSTINGS, *story.postings()]


def plans(_db: Engine) -> list[Row]:
    """One run on each plan that quotes otherwise."""
    rows: list[Row] = [("Plan", "Minutes", "Unit", "Start-up", "Use", "Total")]
    for name in ("starter", "on-demand"):
        for minutes in (3, 60):
            quoted = quote(PLANS[name], minutes)
            lines = (quoted.startup, quoted.use, quoted.total)
            in_usd = quoted.unit is Unit.USD
            shown = [format_usd(line) if in_usd else f"{line:,}" for line in lines]
            rows.append((name, str(minutes), "USD" if in_usd else "LI-minutes", *shown))
    return rows


def payments(db: Engine) -> list[Row]:
    """A run on demand whose card is declined, another card, and a run that is set off."""
    story = Story(db, "on-demand", "2027-01-25 10:15", card=DECLINES)
    quoted = story.run("2027-01-26 09:00", "r1", "on-demand", 60)
    story.do("2027-01-27 09:00", set_card, "tok_1")
    story.do("2027-01-27 09:01", pay)
    story.cancel("2027-01-27 10:00", "r1", quoted)
    story.run("2027-01-28 09:00", "r2", "on-demand", 60)
    return [POSTINGS, *story.postings()]


def subscriptions(db: Engine) -> list[Row]:
    """A period after the other, and one that cannot be collected until a card is put right."""
    story = Story(db, "starter", "2027-01-31 10:15")
    story.wait("2027-02-28")
    story.do("2027-03-01 09:00", set_card, DECLINES)
    story.wait("2027-03-31")
    story.do("2027-04-02 09:00", set_card, "tok_1")
    story.do("2027-04-02 09:01", pay)
    return [POSTINGS, *story.postings()]


def accounts(db: Engine) -> list[Row]:
    """An upgrade at once, a switch to on-demand and back, a downgrade at the boundary."""
    story = Story(db, "starter", "2027-01-25 10:15")
    story.do("2027-02-01 12:00", upgrade, PLANS["professional"])
    story.do("2027-02-05 12:00", to_on_demand, PLANS["on-demand"])
    story.do("2027-02-06 12:00", undo)
    story.do("2027-02-10 12:00", downgrade, PLANS["starter"])
    story.wait("2027-02-25")
    return [POSTINGS, *story.postings()]


def departments(db: Engine) -> list[Row]:
    """A department gets its share, runs on it, then in money within its wallet's limit."""
    story = Story(db, "starter", "2027-01-25 10:15")
    story.do("2027-01-25 11:00", add_department, "research")
    story.do("2027-01-25 11:01", allocate, "research", 600)
    story.do("2027-01-25 11:02", limit_wallet, "research", 100 * MICROS_PER_USD)
    story.run("2027-01-26 09:00", "r1", "starter", 60, "research")
    story.run("2027-01-27 09:00", "r2", "starter", 60, "research")
    return [POSTINGS, *story.postings()]


def run_charges(db: Engine) -> list[Row]:
    """A run in LI-minutes that is cancelled, and one in money."""
    story = Story(db, "starter", "2027-01-25 10:15")
    quoted = story.run("2027-01-26 09:00", "r1", "starter", 60)
    story.cancel("2027-01-26 09:20", "r1", quoted)
    story.do("2027-02-01 12:00", to_on_demand, PLANS["on-demand"])
    quoted = story.run("2027-02-02 09:00", "r2", "on-demand", 60)
    story.cancel("2027-02-02 09:20", "r2", quoted)
    return [POSTINGS, *story.postings()]


def reports(db: Engine) -> list[Row]:
    """What a cycle used: a run cancelled, a run in full, and what was bought besides."""
    story = Story(db, "starter", "2027-01-25 10:15")
    quoted = story.run("2027-01-26 09:00", "r1", "starter", 60)
    story.cancel("2027-01-26 09:20", "r1", quoted)
    story.run("2027-01-27 09:00", "r2", "starter", 60)
    with transaction(db) as conn:
        usage = usage_of_cycle(conn, "acme", instant("2027-02-01"), gateway=REHEARSED_GATEWAY)
    rows: list[Row] = [("Row", "Runs", "LI-minutes", "From credits", "USD")]
    total = Total()
    for run in usage.runs:
        rows.append(_usage_row(run.run_id, Total() + run))
        total += run
    rows.append(_usage_row("all runs", total))
    rows += [(each.what, "", "", "", format_usd(each.usd_micros)) for each in usage.purchases]
    return [*rows, ("left", "", f"{usage.remaining_li_minutes:,}", "", "")]


def _usage_row(name: str, total: Total) -> Row:
    credits_shown = f"{total.credits_li_minutes:,}"
    shown = (f"{total.li_minutes:,}", credits_shown, format_usd(total.usd_micros))
    return (name, str(total.runs), *shown)


def tariffs(_db: Engine) -> list[Row]:
    """One load at the newest version of tariffs that count differently."""
    load = LoadSize(injectors=10, users=1_000, duration_s=3_600)
    rows: list[Row] = [("Tariff", "Version", "Counts", "Quantity", "USD")]
    for name in ("on-demand", "loadview", "gatling", "grafana-k6", "azure-load-testing"):
        priced = price(load_tariff(name, date(2026, 12, 1)), load)
        usd = "unknown" if priced.usd_micros is None else format_usd(priced.usd_micros)
        rows.append((name, str(priced.version), priced.unit, f"{priced.quantity:,}", usd))
    return rows


def catalog(_db: Engine) -> list[Row]:
    """An hour of one machine on each cloud, by the bundled catalogue."""
    bundled = Catalog.bundled()
    rows: list[Row] = [("Cloud", "Region", "Machine type", "USD an hour", "As of")]
    for place in (("aws", "eu-west-1", "c7i.large"), ("azure", "westeurope", "Standard_F2s_v2")):
        offering = bundled.offering(*place)
        usd = f"{offering.hourly_usd_micros / MICROS_PER_USD:.6f}"
        rows.append((*place, usd, str(offering.as_of)))
    return rows


STORIES: dict[str, Callable[[Engine], list[Row]]] = {
    story.__name__: story
    for story in (
        ledger,
        plans,
        payments,
        subscriptions,
        accounts,
        departments,
        run_charges,
        reports,
        tariffs,
        catalog,
    )
}
"""By the folder that tells it."""
