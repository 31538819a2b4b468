//! What stands in each pane.

use super::figures::{bar, percent, price, short, span};
use super::frame::{AuctionRow, BINS, ChainRow, Frame, Kind};
use super::table::{Cell, Content, Fitted, left, right};
use ballast_sim::calendar;
use ballast_types::{Grade, OracleState};
use ballast_units::{Amount, Millis, Ratio};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

/// A part of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    /// Prices, open interest, funding, backing.
    Markets,
    /// Who owes where, and how far from liquidation.
    Chains,
    /// Open liquidations.
    Tasks,
    /// Lots for sale.
    Auctions,
    /// What could pay.
    Reserve,
    /// Who bore losses.
    Waterfall,
    /// Who carries out.
    Keepers,
    /// What happened.
    Events,
}

impl Pane {
    /// In the order of the tab key.
    pub const ALL: [Pane; 8] = [
        Pane::Markets,
        Pane::Chains,
        Pane::Tasks,
        Pane::Auctions,
        Pane::Reserve,
        Pane::Waterfall,
        Pane::Keepers,
        Pane::Events,
    ];

    pub(super) const fn number(self) -> usize {
        self as usize
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Pane::Markets => "markets",
            Pane::Chains => "chains",
            Pane::Tasks => "tasks",
            Pane::Auctions => "auctions",
            Pane::Reserve => "reserve",
            Pane::Waterfall => "waterfall",
            Pane::Keepers => "keepers",
            Pane::Events => "events",
        }
    }

    /// What its border says.
    pub(super) fn title(self, frame: &Frame) -> String {
        let name = self.name();
        match self {
            Pane::Chains => format!("{name}: borrowers by cover, liquidated below 1"),
            Pane::Tasks => format!("{name}: {} open", frame.tasks.open),
            Pane::Auctions => {
                let sales = &frame.auctions;
                format!(
                    "{name}: {} open, {} queued, {} warehoused",
                    sales.open, sales.queued, sales.warehoused
                )
            }
            Pane::Keepers => format!("{name}: {}", frame.keepers.len()),
            Pane::Waterfall => format!("{name}: {} deficits", frame.waterfall.open.len()),
            Pane::Markets | Pane::Reserve | Pane::Events => name.to_owned(),
        }
    }

    pub(super) fn content(self, frame: &Frame, width: usize) -> Content {
        match self {
            Pane::Markets => markets(frame, width),
            Pane::Chains => chains(frame, width),
            Pane::Tasks => tasks(frame, width),
            Pane::Auctions => auctions(frame, width),
            Pane::Reserve => reserve(frame, width),
            Pane::Waterfall => waterfall(frame, width),
            Pane::Keepers => keepers(frame, width),
            Pane::Events => events(frame),
        }
    }
}

const BAD: Style = Style::new().fg(Color::Red);
const WARN: Style = Style::new().fg(Color::Yellow);
const GOOD: Style = Style::new().fg(Color::Green);
const DIM: Style = Style::new().add_modifier(Modifier::DIM);

fn markets(frame: &Frame, width: usize) -> Content {
    let columns = [
        left("market", 7, 0),
        right("mark", 9, 0),
        right("index", 9, 1),
        right("risk", 9, 3),
        right("mark/index", 10, 2),
        right("long", 7, 2),
        right("short", 7, 2),
        right("funding", 9, 4),
        right("pool", 7, 5),
        right("claims", 7, 4),
        right("backed", 7, 3),
        right("deficit", 7, 6),
        left("oracle", 10, 1),
    ];
    let fitted = Fitted::new(&columns, width);
    let lines = frame.markets.iter().map(|row| {
        let quote = |of: Option<ballast_units::Price>| Cell::from(of.map_or("-".to_owned(), price));
        let premium = row.premium();
        let far = premium.is_some_and(|premium| Ratio::percent(1) < premium.abs());
        let oracle = match (row.stale, row.oracle) {
            (true, _) => Cell::styled(format!("stale {}", span(row.price_age)), WARN),
            (false, OracleState::Fresh) => Cell::styled("fresh", GOOD),
            (false, OracleState::Divergent) => Cell::styled("divergent", WARN),
            (false, OracleState::Stale) => Cell::styled("too few", WARN),
            (false, OracleState::Halted) => Cell::styled("halted", BAD),
        };
        fitted.line(vec![
            Cell::styled(row.name.clone(), Style::new().add_modifier(Modifier::BOLD)),
            quote(row.mark),
            quote(row.index),
            quote(row.risk),
            Cell::styled(
                premium.map_or("-".to_owned(), |premium| percent(premium, 2)),
                if far { WARN } else { Style::new() },
            ),
            short(row.long).into(),
            short(row.short).into(),
            percent(row.funding, 4).into(),
            short(row.pool).into(),
            short(row.claims).into(),
            Cell::styled(percent(row.backing, 1), if row.backing < Ratio::ONE { WARN } else { Style::new() }),
            dollars_bad(row.deficit),
            oracle,
        ])
    });
    Content { lines: lines.collect(), head: Some(fitted.head()) }
}

/// Dollars that should be none.
fn dollars_bad(amount: Amount) -> Cell {
    Cell::styled(short(amount), if amount.is_zero() { Style::new() } else { BAD })
}

fn chains(frame: &Frame, width: usize) -> Content {
    let columns = [
        left("chain", 9, 0),
        right("MCR", 5, 4),
        right("owe", 6, 2),
        left("<1 .. 2+", 8, 0),
        right("<1", 5, 1),
        right("<1.05", 5, 1),
        right("locked", 6, 3),
        right("debt", 7, 1),
        right("idle", 7, 5),
        right("on sale", 7, 3),
        right("depth", 7, 4),
        right("price", 6, 1),
        right("head", 6, 2),
        right("tranche", 7, 6),
        right("deficit", 7, 5),
        left("", 5, 0),
    ];
    let fitted = Fitted::new(&columns, width);
    let age = |age: Option<Millis>| Cell::from(age.map_or("-".to_owned(), span));
    let mut lines: Vec<Line<'static>> = frame
        .chains
        .iter()
        .map(|row| {
            fitted.line(vec![
                Cell::styled(row.name.clone(), Style::new().add_modifier(Modifier::BOLD)),
                row.threshold.map_or("-".to_owned(), |threshold| percent(threshold, 0)).into(),
                row.borrowers.to_string().into(),
                histogram(row),
                Cell::styled(
                    row.bins[0].accounts.to_string(),
                    if row.bins[0].accounts == 0 { GOOD } else { BAD },
                ),
                (row.bins[1].accounts + row.bins[2].accounts).to_string().into(),
                row.locked.to_string().into(),
                short(row.debt).into(),
                short(row.idle).into(),
                short(row.auctioned).into(),
                row.depth.map_or("-".to_owned(), short).into(),
                age(row.price_age),
                span(row.head_age).into(),
                short(row.tranche).into(),
                dollars_bad(row.deficit),
                if row.stale { Cell::styled("stale", WARN) } else { "".into() },
            ])
        })
        .collect();
    lines.extend(bins(frame, width));
    Content { lines, head: Some(fitted.head()) }
}

/// One bar a bin, by accounts, the root of their number: a few that fail are seen beside many that do not.
fn histogram(row: &ChainRow) -> Cell {
    let root = |at: usize| (row.bins[at].accounts as f64).sqrt();
    let most = (0..BINS).map(root).fold(0.0, f64::max);
    let colour = |at: usize| match at {
        0 => BAD,
        1 | 2 => WARN,
        _ => GOOD,
    };
    Cell::spans((0..BINS).map(|at| Span::styled(bar(root(at), most).to_string(), colour(at))).collect())
}

/// Accounts and debt of every bin.
fn bins(frame: &Frame, width: usize) -> Vec<Line<'static>> {
    let titles = ["<1", "1-1.02", "-1.05", "-1.1", "-1.2", "-1.5", "-2", "2+"];
    let mut columns = vec![left("", 9, 0)];
    columns.extend(titles.iter().zip(1..).map(|(title, rank)| right(title, 11, rank)));
    let fitted = Fitted::new(&columns, width);
    let mut head = fitted.head();
    head.spans.insert(0, Span::raw(""));
    let mut lines = vec![Line::raw(""), Line::styled("accounts / debt, by cover", DIM), head];
    for row in &frame.chains {
        let mut cells: Vec<Cell> = vec![row.name.clone().into()];
        cells.extend(row.bins.iter().map(|bin| format!("{}/{}", bin.accounts, short(bin.debt)).into()));
        lines.push(fitted.line(cells));
    }
    lines
}

fn tasks(frame: &Frame, width: usize) -> Content {
    let columns = [
        right("task", 6, 0),
        right("account", 7, 3),
        right("age", 6, 0),
        left("cause", 6, 4),
        left("stage", 10, 0),
        left("chains", 12, 2),
        right("lots", 4, 4),
        right("orders", 6, 3),
        right("due", 6, 1),
        right("repaid", 7, 2),
    ];
    let fitted = Fitted::new(&columns, width);
    let now = frame.clock.time;
    let mut lines: Vec<Line<'static>> = frame
        .tasks
        .rows
        .iter()
        .map(|row| {
            let due = row.deadline.map(|deadline| {
                let over = deadline < now;
                let text = if over { span(now.since(deadline)) } else { span(deadline.since(now)) };
                Cell::styled(
                    if over { format!("-{text}") } else { text },
                    if over { WARN } else { Style::new() },
                )
            });
            let stage =
                if row.disputed { Cell::styled("disputed", BAD) } else { Cell::from(row.stage.as_str()) };
            fitted.line(vec![
                row.task.to_string().into(),
                row.account.to_string().into(),
                span(now.since(row.opened)).into(),
                row.cause.as_str().into(),
                stage,
                row.chains.join("+").into(),
                row.lots.to_string().into(),
                format!("{}/{}", row.acknowledged, row.orders).into(),
                due.unwrap_or_else(|| "-".into()),
                short(row.repaid).into(),
            ])
        })
        .collect();
    let shown = lines.len() as u64;
    if shown < frame.tasks.open {
        lines.push(Line::styled(format!("and {} younger ones", frame.tasks.open - shown), DIM));
    }
    Content { lines, head: Some(fitted.head()) }
}

fn auctions(frame: &Frame, width: usize) -> Content {
    const PATH: usize = 14;
    let wide = if width < 90 { PATH } else { 24 };
    let columns = [
        right("lot", 5, 3),
        left("what", 13, 0),
        right("value", 6, 1),
        right("sold", 4, 1),
        right("now", 6, 0),
        right("floor", 6, 4),
        right("left", 5, 2),
        right("rnd", 3, 5),
        left("price, takes", wide, 2),
    ];
    let fitted = Fitted::new(&columns, width);
    let mut lines: Vec<Line<'static>> = frame
        .auctions
        .rows
        .iter()
        .map(|row| {
            let share = |of: ballast_units::Price| {
                let share = row.index.and_then(|index| of.ratio_to_down(index).ok());
                share.map_or("-".to_owned(), |share| percent(share, 1))
            };
            fitted.line(vec![
                row.lot.to_string().into(),
                format!("{}@{}", row.asset, row.chain).into(),
                short(row.value).into(),
                percent(row.fill(), 0).into(),
                share(row.price).into(),
                share(row.floor).into(),
                span(row.ends.since(frame.clock.time)).into(),
                row.round.to_string().into(),
                path(row, frame, wide),
            ])
        })
        .collect();
    let shown = lines.len() as u64;
    if shown < frame.auctions.open {
        lines.push(Line::styled(format!("and {} smaller ones", frame.auctions.open - shown), DIM));
    }
    Content { lines, head: Some(fitted.head()) }
}

/// The price function from start to end, what has passed bright; `┆` now, `●` takes.
fn path(row: &AuctionRow, frame: &Frame, width: usize) -> Cell {
    let span = row.ends.since(row.opened).get().max(1);
    let column = |time: ballast_units::Time| {
        let passed = time.since(row.opened).get().min(span);
        (passed as usize).saturating_mul(width - 1) / span as usize
    };
    let height = |at: usize| {
        let of = row.path.get(at * row.path.len().saturating_sub(1) / (width - 1));
        of.map_or(0.0, |price| price.wei() as f64)
    };
    let most = height(0);
    let least = row.floor.wei() as f64;
    let now = column(frame.clock.time);
    let taken: Vec<usize> = row.takes.iter().map(|take| column(take.time)).collect();
    let cell = |at: usize| {
        if taken.contains(&at) {
            return Span::styled("●", Style::new().fg(Color::Magenta));
        }
        if at == now {
            return Span::styled("┆", WARN);
        }
        // The floor is the lowest bar, the start the highest.
        let step = (height(at) - least) / (most - least).max(1.0) * 7.0 + 1.0;
        let style = if at < now { Style::new().fg(Color::Cyan) } else { DIM };
        Span::styled(bar(step, 8.0).to_string(), style)
    };
    Cell::spans((0..width).map(cell).collect())
}

fn reserve(frame: &Frame, width: usize) -> Content {
    let reserve = &frame.reserve;
    let held: Amount = reserve.warehouse.iter().map(|(_, _, worth)| *worth).sum();
    let tranches: Amount = reserve.tranches.iter().map(|(_, amount)| *amount).sum();
    let mut lines = vec![
        pair("float", short(reserve.float), width),
        pair("cold", short(reserve.cold), width),
        pair("tranches", short(tranches), width),
        pair("warehouse, at index", short(held), width),
        pair("treasury", short(reserve.treasury), width),
    ];
    lines.extend(
        reserve.tranches.iter().map(|(whose, amount)| pair(&format!("  {whose}"), short(*amount), width)),
    );
    lines.extend(reserve.warehouse.iter().map(|(what, quantity, worth)| {
        pair(&format!("  {} {what}", short(*quantity)), short(*worth), width)
    }));
    Content { lines, head: None }
}

fn waterfall(frame: &Frame, width: usize) -> Content {
    let fall = &frame.waterfall;
    let row = |name: &str, amount: Amount| pair(name, short(amount), width);
    let mut lines = vec![
        row("losses", fall.losses),
        row("  tranches", fall.tranche),
        row("  float", fall.float),
        row("  cover", fall.cover),
        row("  deficit", fall.deficit),
        row("deficits repaid", fall.repaid),
        row("written off", fall.written_off),
        row("deleveraged", fall.deleveraged),
    ];
    lines.extend(fall.open.iter().map(|row| {
        let what = format!("{} {}", row.scope, span(frame.clock.time.since(row.time)));
        pair(&what, format!("{} of {}", short(row.left), short(row.deficit)), width).style(BAD)
    }));
    Content { lines, head: None }
}

/// A name and a figure at both ends of a line.
fn pair(name: &str, figure: String, width: usize) -> Line<'static> {
    let columns =
        [left("", width.saturating_sub(figure.chars().count() + 1), 0), right("", figure.chars().count(), 1)];
    Fitted::new(&columns, width).line(vec![name.into(), figure.into()])
}

fn keepers(frame: &Frame, width: usize) -> Content {
    if frame.keepers.is_empty() {
        return Content { head: None, lines: vec![Line::styled("none registered", DIM)] };
    }
    let columns = [
        right("keeper", 6, 0),
        right("region", 6, 2),
        left("grade", 5, 0),
        right("stake", 6, 3),
        right("uptime", 7, 1),
        right("report", 6, 1),
        left("", 11, 2),
    ];
    let fitted = Fitted::new(&columns, width);
    let now = frame.clock.time;
    let lines = frame.keepers.iter().map(|row| {
        let grade = match row.grade {
            Grade::A => Cell::styled("A", GOOD),
            Grade::B => Cell::styled("B", GOOD),
            Grade::C => Cell::styled("C", WARN),
            Grade::D => Cell::styled("D", BAD),
        };
        let away = row.away.map(|until| Cell::styled(format!("away {}", span(until.since(now))), BAD));
        fitted.line(vec![
            row.keeper.to_string().into(),
            row.region.to_string().into(),
            grade,
            short(row.stake).into(),
            row.uptime.map_or("young".to_owned(), |uptime| percent(uptime, 2)).into(),
            row.reported.map_or("-".to_owned(), |time| span(now.since(time))).into(),
            away.unwrap_or_else(|| "".into()),
        ])
    });
    Content { lines: lines.collect(), head: Some(fitted.head()) }
}

/// The newest first.
fn events(frame: &Frame) -> Content {
    let lines = frame.events.iter().rev().map(|event| {
        let clock = calendar::date_time(event.time);
        let (_, clock) = clock.split_once(' ').unwrap_or(("", &clock));
        Line::from(vec![
            Span::styled(clock.to_owned(), DIM),
            Span::raw(" "),
            Span::styled(format!("{:<11}", event.kind.word()), style_of(event.kind)),
            Span::raw(event.text.clone()),
        ])
    });
    Content { lines: lines.collect(), head: None }
}

fn style_of(kind: Kind) -> Style {
    match kind {
        Kind::Deficit | Kind::Dispute | Kind::Reorg | Kind::Written | Kind::SafeMode | Kind::Anomaly => BAD,
        Kind::Locked
        | Kind::Deleveraged
        | Kind::Loss
        | Kind::Expired
        | Kind::Reserve
        | Kind::Warehoused
        | Kind::Oracle
        | Kind::Keeper
        | Kind::Validators
        | Kind::Order => WARN,
        Kind::Taken | Kind::Closed | Kind::Repaid => GOOD,
        Kind::Offered | Kind::Bridged | Kind::Joined => Style::new().fg(Color::Cyan),
    }
}
