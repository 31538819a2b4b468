//! The report of a replay: one HTML file that needs nothing else.
//!
//! Same replay, same bytes: the wall-clock time it took is not in it.

use crate::calendar::{date_hour_minute, date_time};
use crate::chart::{Axis, Chart, Scale, Series, Shape, escape};
use crate::replay::{Figures, HousePoint, MarketPoint, Slip, Summary};
use ballast_units::{Amount, Price, Ratio, Time};
use std::fmt::Write;

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;color:#1c2430;background:#fff;max-width:1180px;margin:0 auto;padding:24px}\
h1{font-size:26px;margin:0 0 4px}h2{font-size:19px;margin:36px 0 8px;border-bottom:1px solid #d8dee6;padding-bottom:4px}\
h3{font-size:15px;margin:0 0 2px}.grid2{display:grid;grid-template-columns:repeat(auto-fit,minmax(460px,1fr));gap:18px 26px}\
figure{margin:0}figcaption{color:#5a6675;font-size:13px}svg{width:100%;height:auto}\
svg text{font:11px system-ui,sans-serif;fill:#4a5564}.grid{stroke:#e6eaef}.axis,.tick{stroke:#8b96a5}\
.legend{margin:0;font-size:13px;color:#4a5564}.legend span{margin-right:14px}\
.legend i{display:inline-block;width:11px;height:11px;margin-right:5px;border-radius:2px}\
table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{padding:3px 14px 3px 0;text-align:right;border-bottom:1px solid #e6eaef}\
td:first-child,th:first-child{text-align:left}th{font-weight:600;color:#4a5564}code{font-size:13px;word-break:break-all}\
p.lead{color:#4a5564;margin:0 0 14px}";

/// The whole file.
#[must_use]
pub fn html(summary: &Summary, figures: &Figures) -> String {
    html_with(summary, figures, &[])
}

/// The same, with more tables after the results: a title, and rows of which the first names the columns.
#[must_use]
pub fn html_with(summary: &Summary, figures: &Figures, more: &[(String, Vec<Vec<String>>)]) -> String {
    let title = escape(&format!("Ballast: {}", summary.scenario));
    let lead = escape(&format!(
        "{} to {} UTC. {} accounts, seed {}, {} blocks.",
        date_time(summary.from),
        date_time(summary.to),
        grouped(u128::from(summary.accounts)),
        summary.seed,
        grouped(u128::from(summary.blocks)),
    ));
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p class=\"lead\">{lead}</p>\n"
    );
    for fault in summary.faults() {
        write(&mut page, format_args!("<p class=\"lead\"><strong>Fault: {}.</strong></p>\n", escape(&fault)));
    }
    for warning in &summary.warnings {
        write(&mut page, format_args!("<p class=\"lead\">Warning: {}.</p>\n", escape(warning)));
    }
    section(&mut page, "Results", &[results(summary)]);
    if let Some(drills) = &summary.drills {
        section(
            &mut page,
            "Drills: rotation of the validators, freeze of every vault",
            &[plain_table(&drills.rows())],
        );
    }
    for (title, rows) in more {
        section(&mut page, title, &[plain_table(rows)]);
    }
    let charts = |charts: Vec<Chart>| charts.iter().map(Chart::figure).collect::<Vec<_>>();
    section(&mut page, "Prices and mark", &charts(figures.markets.iter().map(prices).collect()));
    section(&mut page, "Distance of mark from index", &charts(vec![premium(figures)]));
    section(&mut page, "Open interest", &charts(figures.markets.iter().map(open_interest).collect()));
    let liquidations = vec![locked(&figures.house), positions(&figures.house), hourly(summary)];
    section(&mut page, "Liquidations", &charts(liquidations));
    section(&mut page, "Auctions", &charts(vec![paths(figures), takes(figures), lots(&figures.house)]));
    let [claims, failures, keepers] =
        [claims_table(summary), failures_table(summary), keepers_table(summary)];
    section(&mut page, "Claims", &[responses(figures).figure(), claims, failures, keepers]);
    section(&mut page, "Reserve", &charts(vec![reserve(&figures.house)]));
    section(&mut page, "Waterfall", &charts(vec![layers(&figures.house)]));
    let slips = (0..).zip(&figures.markets).map(|(id, market)| slippage(id, &market.symbol, &figures.slips));
    section(&mut page, "Slippage", &charts(slips.collect()));
    let tables =
        [hours_table(summary), slippage_table(summary), auctions_table(summary), rejects_table(summary)];
    section(&mut page, "Tables", &tables);
    page.push_str("</body>\n</html>\n");
    page
}

fn plain_table(rows: &[Vec<String>]) -> String {
    let mut table = "<table>\n".to_owned();
    for (number, row) in rows.iter().enumerate() {
        let cell = if number == 0 { "th" } else { "td" };
        let cells: String = row.iter().map(|text| format!("<{cell}>{}</{cell}>", escape(text))).collect();
        write(&mut table, format_args!("<tr>{cells}</tr>\n"));
    }
    table.push_str("</table>\n");
    table
}

fn section(page: &mut String, title: &str, parts: &[String]) {
    write(page, format_args!("<h2>{}</h2>\n<div class=\"grid2\">\n", escape(title)));
    for part in parts {
        page.push_str(part);
    }
    page.push_str("</div>\n");
}

fn prices(market: &crate::replay::MarketSeries) -> Chart {
    let line = |of: fn(&MarketPoint) -> Price| series(&market.points, |point| price(of(point)));
    Chart {
        title: format!("{}: index, mark and risk price", market.symbol),
        note: String::new(),
        x: Axis::clock(),
        y: Axis::new("dollars", Scale::Dollars),
        series: vec![
            Series::new("mark", Shape::Line, 1, line(|point| point.mark)),
            Series::new("risk price", Shape::Dashed, 2, line(|point| point.risk)),
            Series::new("index", Shape::Line, 0, line(|point| point.index)),
        ],
    }
}

fn premium(figures: &Figures) -> Chart {
    let premium = |point: &MarketPoint| price(point.mark) / price(point.index) - 1.0;
    Chart {
        title: "Mark over index, less one".to_owned(),
        note: "Arbitrageurs close the distance as far as the guards and their margin reach.".to_owned(),
        x: Axis::clock(),
        y: Axis::new("percent of index", Scale::Percent),
        series: (0..)
            .zip(&figures.markets)
            .map(|(colour, market)| {
                Series::new(&market.symbol, Shape::Line, colour, series(&market.points, premium))
            })
            .collect(),
    }
}

fn open_interest(market: &crate::replay::MarketSeries) -> Chart {
    let side = |of: fn(&MarketPoint) -> Amount| {
        series(&market.points, move |point| amount(of(point)) * price(point.index))
    };
    Chart {
        title: format!("{}: open interest at index", market.symbol),
        note: String::new(),
        x: Axis::clock(),
        y: Axis::new("dollars", Scale::Dollars).zero(),
        series: vec![
            Series::new("longs", Shape::Line, 2, side(|point| point.long)),
            Series::new("shorts", Shape::Line, 1, side(|point| point.short)),
        ],
    }
}

fn locked(house: &[HousePoint]) -> Chart {
    Chart {
        title: "Liquidations per minute".to_owned(),
        note: "Accounts whose health fell below zero in that minute.".to_owned(),
        x: Axis::clock(),
        y: Axis::new("accounts a minute", Scale::Number).zero(),
        series: vec![Series::new(
            "accounts",
            Shape::Bars,
            1,
            house_series(house, |point| point.locked as f64),
        )],
    }
}

fn positions(house: &[HousePoint]) -> Chart {
    Chart {
        title: "Positions closed by liquidation per minute".to_owned(),
        note: "Each slice on the curve, takeover by the backstop or deleveraging counts once.".to_owned(),
        x: Axis::clock(),
        y: Axis::new("closings a minute", Scale::Number).zero(),
        series: vec![Series::new(
            "closings",
            Shape::Bars,
            3,
            house_series(house, |point| point.positions as f64),
        )],
    }
}

fn hourly(summary: &Summary) -> Chart {
    let middle = |hour: Time| millis(hour) + 1_800_000.0;
    let ours = summary.hours.iter().map(|row| (middle(row.hour), ratio(row.share))).collect();
    let aave: Vec<_> =
        summary.hours.iter().filter_map(|row| Some((middle(row.hour), ratio(row.aave_share?)))).collect();
    let mut series = vec![Series::new("this replay", Shape::Bars, 0, ours)];
    if !aave.is_empty() {
        series.push(Series::new("Aave v2, really", Shape::Bars, 4, aave));
    }
    Chart {
        title: "Share of liquidated debt per hour".to_owned(),
        note: "Of all debt that was liquidated in this time; by the hour in which the account failed."
            .to_owned(),
        x: Axis::clock(),
        y: Axis::new("percent of the day's debt", Scale::Percent).zero(),
        series,
    }
}

fn paths(figures: &Figures) -> Chart {
    let mut series = Vec::new();
    for (number, path) in figures.auctions.iter().enumerate() {
        let point = |(after, share): &(ballast_units::Millis, Ratio)| (seconds(after.get()), ratio(*share));
        let name = format!("{}, {} USD", path.what, grouped(whole(path.value)));
        series.push(Series::new(&name, Shape::Line, number, path.steps.iter().map(point).collect()));
        series.push(Series::new("", Shape::Dots, number, path.takes.iter().map(point).collect()));
    }
    Chart {
        title: "Price paths of the largest auctions".to_owned(),
        note: "Dots are sales. A path that rises again is a new round with a fresh index.".to_owned(),
        x: Axis::new("seconds since the lot was first offered", Scale::Number).zero(),
        y: Axis::new("percent of index at the offer", Scale::Percent),
        series,
    }
}

fn takes(figures: &Figures) -> Chart {
    let mut points: Vec<_> =
        figures.takes.iter().map(|take| (seconds(take.after.get()), ratio(take.price))).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    Chart {
        title: "Every sale: price by time".to_owned(),
        note: String::new(),
        x: Axis::new("seconds since the round was ordered", Scale::Number).zero(),
        y: Axis::new("percent of index at the sale", Scale::Percent),
        series: vec![Series::new("sales", Shape::Dots, 0, points)],
    }
}

fn lots(house: &[HousePoint]) -> Chart {
    Chart {
        title: "Lots under auction".to_owned(),
        note: String::new(),
        x: Axis::clock(),
        y: Axis::new("lots", Scale::Number).zero(),
        series: vec![Series::new("lots", Shape::Line, 0, house_series(house, |point| point.lots as f64))],
    }
}

fn reserve(house: &[HousePoint]) -> Chart {
    let line = |of: fn(&HousePoint) -> Amount| house_series(house, move |point| amount(of(point)));
    Chart {
        title: "Reserve, tranches and deficits".to_owned(),
        note: String::new(),
        x: Axis::clock(),
        y: Axis::new("dollars", Scale::Dollars).zero(),
        series: vec![
            Series::new("float", Shape::Line, 0, line(|point| point.float)),
            Series::new("tranches of markets and chains", Shape::Line, 2, line(|point| point.tranches)),
            Series::new("deficits", Shape::Line, 1, line(|point| point.deficit)),
        ],
    }
}

fn layers(house: &[HousePoint]) -> Chart {
    let sums: [fn(&HousePoint) -> f64; 4] = [
        |point| amount(point.waterfall.tranche),
        |point| amount(point.waterfall.float),
        |point| amount(point.waterfall.cover),
        |point| amount(point.waterfall.deficit),
    ];
    let stacked =
        |upto: usize| house_series(house, move |point| sums[..=upto].iter().map(|of| of(point)).sum());
    // The highest first: each is drawn over the one before.
    let names = [("deficit", 3, 1), ("cover", 2, 3), ("float", 1, 0), ("tranche", 0, 2)];
    Chart {
        title: "What each layer of the waterfall has absorbed".to_owned(),
        note: "Stacked, since the start.".to_owned(),
        x: Axis::clock(),
        y: Axis::new("dollars", Scale::Dollars).zero(),
        series: names
            .into_iter()
            .map(|(name, upto, colour)| Series::new(name, Shape::Area, colour, stacked(upto)))
            .collect(),
    }
}

fn slippage(id: u16, symbol: &str, slips: &[Slip]) -> Chart {
    let here = |of: fn(&Slip) -> Option<Ratio>| {
        let there = slips.iter().filter(|slip| slip.market.0 == id);
        there.filter_map(|slip| Some((millis(slip.time), ratio(of(slip)?)))).collect()
    };
    Chart {
        title: format!("{symbol}: slippage of the probing trade"),
        note: String::new(),
        x: Axis::clock(),
        y: Axis::new("average price over mark", Scale::Percent).zero(),
        series: vec![
            Series::new("formula depth", Shape::Line, 0, here(|slip| slip.formula)),
            Series::new("k of the start", Shape::Dashed, 4, here(|slip| slip.fixed)),
        ],
    }
}

fn results(summary: &Summary) -> String {
    let fall = &summary.waterfall;
    let rows = [
        ("accounts liquidated", grouped(u128::from(summary.liquidated))),
        ("liquidations", grouped(u128::from(summary.tasks))),
        ("of these open at the end", grouped(u128::from(summary.tasks_open))),
        ("debt liquidated, USD", dollars(summary.debt_liquidated)),
        ("notional of positions liquidated, USD", dollars(summary.notional_liquidated)),
        ("bad debt, USD", dollars(summary.bad_debt)),
        ("taken by tranches, USD", dollars(fall.tranche)),
        ("taken by the float, USD", dollars(fall.float)),
        ("taken by cover, USD", dollars(fall.cover)),
        ("left as deficit, USD", dollars(fall.deficit)),
        ("of this repaid by recoveries, USD", dollars(summary.deficit_repaid)),
        ("notional deleveraged, USD", dollars(fall.deleveraged)),
    ];
    let mut html = String::from("<table>\n");
    for (name, value) in rows {
        write(&mut html, format_args!("<tr><td>{}</td><td>{}</td></tr>\n", escape(name), escape(&value)));
    }
    write(&mut html, format_args!("</table>\n<p>State hash<br/><code>{}</code></p>\n", summary.state_hash));
    html
}

fn hours_table(summary: &Summary) -> String {
    let rows = summary.hours.iter().map(|row| {
        let none = || "-".to_owned();
        vec![
            date_hour_minute(row.hour),
            grouped(u128::from(row.tasks)),
            dollars(row.debt),
            percent(row.share),
            row.aave.map_or_else(none, dollars),
            row.aave_share.map_or_else(none, percent),
        ]
    });
    let head = ["hour, UTC", "liquidations", "debt, USD", "share", "Aave v2, USD", "share"];
    table("Debt liquidated by hour", &head, rows)
}

fn slippage_table(summary: &Summary) -> String {
    let rows = summary.slippage.iter().map(|row| {
        let figures = [row.formula_mean, row.formula_worst, row.fixed_mean, row.fixed_worst];
        let distance = summary.distance.get(&row.market).copied().map(percent);
        [row.market.clone()].into_iter().chain(figures.map(percent)).chain(distance).collect()
    });
    let head = ["market", "formula, mean", "worst", "fixed k, mean", "worst", "mark from index, worst"];
    table("Slippage of the probing trade, and mark's distance from index", &head, rows)
}

fn auctions_table(summary: &Summary) -> String {
    let totals = &summary.auctions;
    let rows = [
        ("lots", grouped(u128::from(totals.lots))),
        ("rounds", grouped(u128::from(totals.rounds))),
        ("offered at index, USD", dollars(totals.value)),
        ("sold at index, USD", dollars(totals.sold)),
        ("paid by takers, USD", dollars(totals.paid)),
        ("price over index, mean by value", percent(totals.price_mean)),
        ("price over index, median of sales", percent(totals.price_median)),
        ("price over index, worst", percent(totals.price_worst)),
        ("from order to sale, mean seconds", (totals.take_after_ms.get() / 1_000).to_string()),
        ("paid by the reserve, USD", dollars(totals.reserve_paid)),
        ("lots warehoused", grouped(u128::from(totals.warehoused))),
    ];
    table("Auctions", &["", ""], rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]))
}

fn responses(figures: &Figures) -> Chart {
    let dots = figures.responses.iter().map(|(time, span)| (millis(*time), seconds(span.get()))).collect();
    Chart {
        title: "From price to order, each task's first".to_owned(),
        note: "From the block whose price opened the task to the block of the chain that carried its first order out."
            .to_owned(),
        x: Axis::clock(),
        y: Axis::new("seconds", Scale::Number).zero(),
        series: vec![Series::new("orders", Shape::Dots, 0, dots)],
    }
}

fn claims_table(summary: &Summary) -> String {
    let claims = &summary.claims;
    let seconds = |ratio: Ratio| format!("{} s", ratio.wei() / 10_i128.pow(18));
    let count = |number: u64| grouped(u128::from(number));
    let rows = [
        ("tasks that succeeded", percent(claims.success)),
        ("of those that sold collateral", percent(claims.success_sold)),
        ("order included, 99 of 100 within", seconds(claims.response_p99_s)),
        ("half of them within", seconds(claims.response_median_s)),
        ("lots sold to takers, by value", percent(claims.fill)),
        ("auction's start to last take, mean", seconds(claims.duration_mean_s)),
        ("owners' loss from delay", percent(claims.delay_loss)),
        ("price over index, median", percent(claims.price_median)),
        ("99 of 100 sales at or above", percent(claims.price_p99)),
        ("tasks without dispute", percent(claims.consistency)),
        ("false reports planted", count(claims.false_reports_planted)),
        ("found", count(claims.false_reports_found)),
        ("honest keepers slashed", count(claims.honest_slashed)),
        ("results changed by malice", count(claims.malicious_changes)),
        ("reorgs survived", count(claims.reorgs)),
    ];
    table("Claims", &["", ""], rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]))
}

fn failures_table(summary: &Summary) -> String {
    let failures = &summary.claims.failures;
    let rows = failures.iter().map(|(why, count)| vec![why.clone(), grouped(u128::from(*count))]);
    table("Tasks that are no success, by first reason", &["why", "tasks"], rows)
}

fn keepers_table(summary: &Summary) -> String {
    let count = |number: u64| grouped(u128::from(number));
    let rows = summary.claims.keepers.iter().map(|row| {
        let slashed = if row.slashed { "yes" } else { "no" };
        let counts = [row.drawn, row.late, row.reports, row.frozen].map(count);
        [row.role.clone()]
            .into_iter()
            .chain(counts)
            .chain([dollars(row.earned), slashed.to_owned()])
            .collect()
    });
    let head = ["keeper", "drawn", "late", "reports", "frozen", "earned, USD", "slashed"];
    table("Keepers", &head, rows)
}

fn rejects_table(summary: &Summary) -> String {
    let rows = summary.rejects.iter().map(|(code, count)| vec![code.clone(), grouped(u128::from(*count))]);
    table("Refused commands", &["code", "times"], rows)
}

fn table(title: &str, head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut html = format!("<div>\n<h3>{}</h3>\n<table>\n<tr>", escape(title));
    for cell in head {
        write(&mut html, format_args!("<th>{}</th>", escape(cell)));
    }
    html.push_str("</tr>\n");
    for row in rows {
        html.push_str("<tr>");
        for cell in row {
            write(&mut html, format_args!("<td>{}</td>", escape(&cell)));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table>\n</div>\n");
    html
}

/// Whole dollars, `1,234,567`, rounded down.
#[must_use]
pub fn dollars(amount: Amount) -> String {
    grouped(whole(amount))
}

/// `12.34 %`, rounded towards zero.
#[must_use]
pub fn percent(ratio: Ratio) -> String {
    let parts = ratio.wei() / 10_i128.pow(14);
    let sign = if parts < 0 { "-" } else { "" };
    format!("{sign}{}.{:02} %", parts.unsigned_abs() / 100, parts.unsigned_abs() % 100)
}

fn whole(amount: Amount) -> u128 {
    amount.wei() / 10_u128.pow(18)
}

/// `1,234,567`.
#[must_use]
pub fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at != 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn series(points: &[MarketPoint], of: impl Fn(&MarketPoint) -> f64) -> Vec<(f64, f64)> {
    points.iter().map(|point| (millis(point.time), of(point))).collect()
}

fn house_series(points: &[HousePoint], of: impl Fn(&HousePoint) -> f64) -> Vec<(f64, f64)> {
    points.iter().map(|point| (millis(point.time), of(point))).collect()
}

fn millis(time: Time) -> f64 {
    time.millis() as f64
}

fn seconds(millis: u64) -> f64 {
    millis as f64 / 1e3
}

fn price(price: Price) -> f64 {
    price.wei() as f64 / 1e18
}

fn amount(amount: Amount) -> f64 {
    amount.wei() as f64 / 1e18
}

fn ratio(ratio: Ratio) -> f64 {
    ratio.wei() as f64 / 1e18
}

fn write(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a string cannot fail");
}
