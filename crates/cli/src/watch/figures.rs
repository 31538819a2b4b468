//! Figures as a screen writes them: short, rounded towards zero, never wider than asked for.

use ballast_units::{Amount, Millis, Price, Ratio};

const WAD: u128 = 1_000_000_000_000_000_000;

/// Eighths of a cell.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Dollars or tokens in three to four digits: `0`, `12.3`, `456`, `7.89k`, `1.20M`.
pub(super) fn short(amount: Amount) -> String {
    let whole = amount.wei() / WAD;
    let (unit, sign) = match whole {
        0..1_000 => return small(amount),
        1_000..1_000_000 => (1_000, 'k'),
        1_000_000..1_000_000_000 => (1_000_000, 'M'),
        1_000_000_000..1_000_000_000_000 => (1_000_000_000, 'B'),
        _ => (1_000_000_000_000, 'T'),
    };
    let cents = whole / (unit / 100);
    match cents {
        0..1_000 => format!("{}.{:02}{sign}", cents / 100, cents % 100),
        1_000..10_000 => format!("{}.{}{sign}", cents / 100, cents % 100 / 10),
        _ => format!("{}{sign}", cents / 100),
    }
}

fn small(amount: Amount) -> String {
    let cents = amount.wei() / (WAD / 100);
    match cents {
        0 => "0".to_owned(),
        1..10_000 => format!("{}.{:02}", cents / 100, cents % 100),
        _ => (cents / 100).to_string(),
    }
}

/// A price with about five digits: `3421.50`, `52.110`, `1.2345`.
pub(super) fn price(price: Price) -> String {
    let decimals = match price.wei() / WAD {
        0..10 => 4,
        10..100 => 3,
        100..10_000 => 2,
        _ => 1,
    };
    let scaled = price.wei() / 10_u128.pow(18 - decimals);
    let unit = 10_u128.pow(decimals);
    format!("{}.{:0width$}", scaled / unit, scaled % unit, width = decimals as usize)
}

/// A share in percent with so many decimals.
pub(super) fn percent(ratio: Ratio, decimals: u32) -> String {
    let parts = ratio.wei() / 10_i128.pow(16 - decimals);
    let (sign, parts) = (if parts < 0 { "-" } else { "" }, parts.unsigned_abs());
    let unit = 10_u128.pow(decimals);
    if decimals == 0 {
        return format!("{sign}{parts}%");
    }
    format!("{sign}{}.{:0width$}%", parts / unit, parts % unit, width = decimals as usize)
}

/// A span in at most six letters: `400ms`, `9.5s`, `48s`, `3m05s`, `2h10m`, `5d`.
pub(super) fn span(span: Millis) -> String {
    let millis = span.get();
    let seconds = millis / 1_000;
    match seconds {
        0 if millis != 0 => format!("{millis}ms"),
        0 => "0s".to_owned(),
        1..10 if !millis.is_multiple_of(1_000) => format!("{seconds}.{}s", millis % 1_000 / 100),
        1..100 => format!("{seconds}s"),
        100..6_000 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        6_000..360_000 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A bar for a part of the most; a part that is not nothing is never without one.
pub(super) fn bar(part: f64, most: f64) -> char {
    if part <= 0.0 || most <= 0.0 {
        return ' ';
    }
    let step = (part / most * 8.0).ceil().clamp(1.0, 8.0) as usize;
    BARS[step - 1]
}

/// Cut to a width, with a mark where something is missing.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    if 0 < width {
        cut.push('…');
    }
    cut
}
